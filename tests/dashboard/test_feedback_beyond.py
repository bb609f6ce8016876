"""Positions, and what lies beyond clicks: coverage, variety, later purchases."""

from __future__ import annotations

from recommender.models import ServedList
from recsite.dashboard.charts import Chart
from tests.dashboard.test_feedback import FeedbackCase, count_day, written
from tests.dashboard.test_overview import make_serving_run
from tests.goods import NEWEST, make_products


class PositionsTest(FeedbackCase):
    def test_bars_in_order_and_how_far_the_first_is_ahead(self) -> None:
        for position, clicked in ((1, 90), (2, 60), (10, 30)):
            count_day(dimension="position", key=str(position), clicked=clicked)
        count_day(dimension="position", key="11", shown=20, clicked=5)
        count_day()
        made = self.build()
        assert isinstance(made.positions, Chart)
        (bars,) = made.positions.figure["data"]
        self.assertEqual(list(bars["x"]), ["1", "2", "10", "11"])
        self.assertEqual(bars["y"], [9.0, 6.0, 3.0, None])
        self.assertEqual(made.positions_note, "Position 1 gets 3.0 × the clicks of position 10")
        self.assertTrue(bars["customdata"][0].startswith("/feedback/?position=1"))


class BeyondTest(FeedbackCase):
    def test_offline_quality_coverage_novelty_and_variety_beside_clicks(self) -> None:
        products = make_products(4)
        count_day()
        tables = {
            "ALL": {"ndcg@10": 0.431, "hit_rate@10": 0.9},
            "NEW": {"ndcg@10": 0.0537},
            "median_buyers@10": 214.0,
            "diversity@10": 0.88,
        }
        run = make_serving_run(metrics={"models": {"deep": tables}})
        for number, ids in enumerate(([0, 1], [0, 0])):
            ServedList.objects.create(
                recommendation_id=f"rec_{number}", at=NEWEST, placement="home", run=1, segment="weekly",
                products=[products[index].pk for index in ids],
            )  # fmt: skip
        found = {
            row.cells[0].content: (written(row.cells[1]), written(row.cells[2])) for row in self.build().beyond.rows
        }
        self.assertEqual(
            found,
            {
                "Click rate": ("5.00 %", "–"),
                "Catalogue shown": ("50.0 %", "–"),
                "Variety": ("1.5", "–"),
                "NDCG@10, any product": (".431", "–"),
                "NDCG@10, new to them": (".054", "–"),
                "Hit rate in 10": ("90.0 %", "–"),
                "Diversity": ("88.0 %", "–"),
                "Novelty": ("214", "–"),
            },
        )
        notes = [row.cells[0].note for row in self.build().beyond.rows]
        self.assertIn(f"what they bought later · offline, model {run.pk}", notes)

    def test_coverage_is_of_the_lists_that_are_looked_at(self) -> None:
        products = make_products(4)
        count_day()
        for number, (placement, product) in enumerate((("home", products[0]), ("trending", products[1]))):
            ServedList.objects.create(
                recommendation_id=f"rec_{number}", at=NEWEST, placement=placement, products=[product.pk]
            )
        shares = {
            params: self.build(**dict(params)).beyond.rows[1].cells[1] for params in ((), (("placement", "home"),))
        }
        self.assertEqual([written(cell) for cell in shares.values()], ["50.0 %", "25.0 %"])
