"""The feedback page: every figure of it beside counts that are known."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recommender.models import FeedbackDay, FeedbackProgress, Placement, Rule, ServedList
from recsite.dashboard import roles
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import Delta, Nothing, Select
from recsite.dashboard.graphics import Bars, IntervalBar
from recsite.dashboard.models import ShopSettings
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import feedback as page
from recsite.dashboard.pages import feedback_counting
from recsite.dashboard.pages.feedback import FeedbackPage
from recsite.dashboard.shop import read_shop
from recsite.dashboard.tables import Cell
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import text_of
from tests.dashboard.test_overview import make_serving_run
from tests.goods import NEWEST, make_products

TODAY = NEWEST.date()
BEFORE = TODAY - timedelta(days=28)


def count_day(day: date = TODAY, *, shown: int = 1000, clicked: int = 50, **more: object) -> FeedbackDay:
    """What the roll-up stores of a day: of all products of the lists, or of a ``dimension`` by ``key``."""
    values: dict[str, Any] = {
        "placement": "home", "source": "api", "run": 1, "segment": "weekly", "dimension": "all", "key": "",
        "lists": shown // 10, "served": shown, "carted": clicked // 2, "bought": clicked // 5, **more,
    }  # fmt: skip
    return FeedbackDay.objects.create(day=day, shown=shown, clicked=clicked, **values)


def written(cell: Cell) -> str:
    """A cell's text as read, thin spaces as plain ones."""
    content = cell.content
    text = f"{content.sign} {content.text}".strip() if isinstance(content, Delta) else str(content)
    return text.replace(THIN, " ")


class FeedbackCase(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.shop = read_shop()

    def build(self, *permissions: str, **params: str) -> FeedbackPage:
        cache.clear()
        return page.build(params, self.shop, permissions=frozenset(permissions))

    def rows(self, **params: str) -> dict[str, list[str]]:
        return {
            written(row.cells[0]): [written(cell) for cell in row.cells[1:]] for row in self.build(**params).table.rows
        }


class EmptyTest(FeedbackCase):
    def test_before_the_first_list_it_says_what_to_do(self) -> None:
        made = self.build()
        assert made.empty
        self.assertEqual(made.empty.title, "No list was served yet")
        self.assertIsNone(made.filters)
        self.client.force_login(make_person())
        answer = self.client.get(reverse("feedback"))
        self.assertContains(answer, "How to connect the shop")
        self.assertContains(answer, "How this is counted")

    def test_a_range_without_lists_is_no_data_and_never_zero(self) -> None:
        count_day()
        made = self.build(**{"from": "2026-01-01", "to": "2026-01-07"})
        self.assertIsInstance(made.funnel, Nothing)
        self.assertIsInstance(made.trend, Nothing)
        self.assertIsInstance(made.positions, Nothing)
        home = self.rows(**{"from": "2026-01-01", "to": "2026-01-07"})["Home"]
        self.assertEqual(home[:3], ["0", "no data", "–"])
        self.assertNotIn("0.00 %", home)

    def test_lists_that_nobody_saw_say_so(self) -> None:
        count_day(shown=0, clicked=0, lists=7, served=70)
        made = self.build()
        assert isinstance(made.funnel, Nothing)
        self.assertIn("7 lists went out", made.funnel.text)
        notes = {row.cells[0].content: row.cells[0].note for row in made.table.rows}
        self.assertEqual((notes["Home"], notes["Trending"]), ("7 lists, none seen", "Never shown in this range"))

    def test_placements_that_were_never_requested_are_named(self) -> None:
        count_day()
        made = self.build()
        self.assertIn("Similar products and Trending were not requested", made.table_note)
        self.assertEqual(len(made.table.rows), Placement.objects.filter(is_active=True).count())


class FunnelTest(FeedbackCase):
    def test_each_step_with_its_share_and_revenue(self) -> None:
        count_day(shown=2000, clicked=100, carted=40, bought=20, bought_by_view=3, revenue=50, revenue_by_view=7)
        made = self.build()
        assert isinstance(made.funnel, Bars)
        rows = {row.label: (row.value, row.note.replace(THIN, " ")) for row in made.funnel.rows}
        self.assertEqual(
            rows,
            {
                "Shown": ("2,000", "in 200 lists"),
                "Clicked": ("100", "5.00 % of shown"),
                "In basket": ("40", "2.00 % of shown"),
                "Bought": ("20", "20.0 % of clicks"),
                "Ignored": ("1,900", "95.0 % of shown"),
            },
        )
        assert made.revenue
        self.assertEqual([fact.value for fact in made.revenue.items], ["$50.00", "$7.00", "$28.50"])


class TrendTest(FeedbackCase):
    def test_a_day_without_lists_breaks_the_line_and_the_period_before_is_dashed(self) -> None:
        count_day()
        count_day(TODAY - timedelta(days=2))
        count_day(BEFORE)
        trend = self.build().trend
        assert isinstance(trend, Chart)
        *_, before, now = trend.figure["data"]
        self.assertEqual(now["y"][-3:], [5.0, None, 5.0])
        self.assertEqual((before["y"][-1], before["line"]["dash"]), (5.0, "4px,4px"))

    def test_a_difference_is_called_one_only_beyond_chance(self) -> None:
        count_day(shown=10_000, clicked=600)
        count_day(BEFORE, shown=10_000, clicked=500)
        self.assertIn("up 1.00 pt, more than chance makes", self.build().verdict.replace(THIN, " "))
        FeedbackDay.objects.filter(day=BEFORE).update(clicked=595)
        self.assertIn("a difference that chance alone can make", self.build().verdict)
        FeedbackDay.objects.filter(day=BEFORE).update(shown=100, clicked=5)
        self.assertIn("Too few to judge the difference", self.build().verdict)

    def test_other_measures(self) -> None:
        count_day(shown=1000, clicked=100, bought=20, revenue=10, revenue_by_view=5)
        for measure, value in {"ignored": 90.0, "bought": 2.0, "revenue": 15.0}.items():
            trend = self.build(trend=measure).trend
            assert isinstance(trend, Chart)
            self.assertEqual(trend.figure["data"][-1]["y"][-1], value, measure)

    def test_a_model_that_began_to_serve_is_marked(self) -> None:
        today = timezone.now().date()
        count_day(today)
        run = make_serving_run()
        trend = self.build().trend
        assert isinstance(trend, Chart)
        (mark,) = trend.figure["layout"]["annotations"]
        self.assertEqual(mark["text"], f"Model {run.pk} published")


class TableTest(FeedbackCase):
    def test_a_line_with_its_interval_and_the_change(self) -> None:
        count_day(shown=10_000, clicked=600, revenue=12.5)
        count_day(BEFORE, shown=10_000, clicked=500)
        self.assertEqual(
            [cell for cell in self.rows()["Home"] if not cell.startswith("IntervalBar")],
            ["10,000", "6.00 %", "5.55 – 6.48", "▲ 1.00 pt", "300", "120", "94.0 %", "$12.50"],
        )

    def test_too_few_are_not_judged(self) -> None:
        count_day(shown=212, clicked=0)
        count_day(shown=5000, placement="trending")
        count_day(BEFORE)
        rows = self.rows()
        self.assertEqual(rows["Home"][:5], ["212", "0.00 %", "0.00 – 1.78", "Too few to judge", "–"])
        bars = {row.cells[0].content: row.cells[4].content for row in self.build().table.rows}
        self.assertIsInstance(bars["Trending"], IntervalBar)

    def test_the_axis_ends_at_a_round_share(self) -> None:
        count_day(shown=10_000, clicked=600)
        (bar,) = [c.cells[4].content for c in self.build().table.rows if isinstance(c.cells[4].content, IntervalBar)]
        self.assertEqual(bar.most, 0.1)

    def test_every_split(self) -> None:
        rule = Rule.objects.create(name="Fruit first", verb="boost")
        count_day(run=0, segment="")
        for dimension, key in (
            ("category", "Drinks"), ("category", ""), ("position", "2"), ("position", "10"),
            ("rule", str(rule.pk)), ("rule", "999"),
        ):  # fmt: skip
            count_day(dimension=dimension, key=key)
        expected = {
            "run": ["No model"],
            "segment": ["No segment"],
            "category": ["Drinks", "No category"],
            "position": ["Position 2", "Position 10"],
            "rule": ["Fruit first", "Rule 999, deleted"],
        }
        for split, names in expected.items():
            self.assertEqual(list(self.rows(split=split)), names, split)
        self.assertEqual(next(iter(self.rows(split="day"))), "30 Mar 2026")
        self.assertEqual(len(self.rows(split="day")), 28)
        self.assertEqual(len(self.rows(split="weather")), Placement.objects.count())

    def test_days_stand_beside_the_day_of_the_period_before(self) -> None:
        count_day(shown=10_000, clicked=600)
        count_day(BEFORE, shown=10_000, clicked=500)
        self.assertEqual(self.rows(split="day")["30 Mar 2026"][4], "▲ 1.00 pt")

    def test_headers_sort_and_what_has_no_data_stays_last(self) -> None:
        count_day(shown=5000, clicked=50)
        count_day(shown=1000, clicked=90, placement="trending")
        self.assertEqual(list(self.rows())[:2], ["Home", "Trending"])
        self.assertEqual(list(self.rows(sort="-rate"))[:2], ["Trending", "Home"])
        self.assertEqual(list(self.rows(sort="rate"))[:2], ["Home", "Trending"])
        self.assertEqual(next(iter(self.rows(sort="name"))), "Basket add-ons")
        hrefs = {column.label: column.href for column in self.build(sort="-rate").table.columns}
        self.assertIn("sort=rate", hrefs["Click rate"])

    def test_pages_hold_fifty(self) -> None:
        count_day()
        table = self.build(split="day", page="2", **{"from": "2026-01-01", "to": "2026-03-30"}).table
        assert table.pager
        self.assertEqual((len(table.rows), table.pager.total, table.pager.noun), (39, 89, "days"))

    def test_a_line_is_a_link_that_filters_by_it(self) -> None:
        count_day()
        count_day(segment="", placement="trending")
        for split, key in (("placement", "placement=home"), ("segment", "segment=none"), ("run", "run=1")):
            hrefs = [row.href for row in self.build(split=split).table.rows]
            self.assertTrue(any(key in href for href in hrefs), (split, hrefs))
        self.assertIn("from=2026-03-30&to=2026-03-30", self.build(split="day").table.rows[0].href)


class FilterTest(FeedbackCase):
    def setUp(self) -> None:
        super().setUp()
        count_day(shown=1000)
        count_day(shown=2000, placement="trending", run=2, segment="", source="simulator")
        count_day(shown=300, dimension="rule", key="7")
        count_day(shown=40, clicked=4, dimension="category", key="")

    def shown(self, **params: str) -> int:
        funnel = self.build(**params).funnel
        return int(funnel.rows[0].value.replace(",", "")) if isinstance(funnel, Bars) else 0

    def test_each_narrows(self) -> None:
        for params, shown in (
            ({}, 3000), ({"placement": "home"}, 1000), ({"run": "2"}, 2000), ({"segment": "none"}, 2000),
            ({"source": "api"}, 1000), ({"rule": "7"}, 300), ({"category": "none"}, 40), ({"placement": "nowhere"}, 0),
            ({"run": "x"}, 0), ({"rule": "7", "placement": "trending"}, 0),
        ):  # fmt: skip
            self.assertEqual(self.shown(**params), shown, params)

    def test_a_rule_is_split_by_what_holds_for_whole_lists_only(self) -> None:
        made = self.build(rule="7")
        splits = [item.label for item in made.split_choice.items]
        self.assertEqual(splits, ["Placement", "Model", "Segment", "Rule", "Day"])
        self.assertEqual(self.rows(rule="7", split="position")["Home"][0], "300")
        self.assertIsInstance(made.positions, Nothing)
        self.assertIsNone(made.positions_csv)
        self.assertIn("whole lists", made.beyond_note)
        self.assertEqual((made.table_note, len(made.table.rows)), ("", 1))

    def test_the_bar_keeps_days_and_split_and_can_be_cleared(self) -> None:
        filters = self.build(rule="7", split="day", **{"from": "2026-03-01", "to": "2026-03-30"}).filters
        assert filters
        self.assertEqual(dict(filters.keep), {"from": "2026-03-01", "to": "2026-03-30", "split": "day"})
        self.assertNotIn("rule", filters.clear_href)
        labels = [select.label for select in filters.selects if isinstance(select, Select)]
        self.assertEqual(labels, ["Placement", "Model", "Segment", "Source", "Rule"])

    def test_what_is_simulated_says_so(self) -> None:
        badges = {source: self.build(source=source).simulated for source in ("", "api", "simulator")}
        self.assertIsNone(badges["api"])
        self.assertEqual([b.text for b in badges.values() if b], ["partly simulated", "simulated"])

    def test_a_shop_without_a_simulator_is_not_asked_for_the_source(self) -> None:
        FeedbackDay.objects.filter(source="simulator").delete()
        filters = self.build().filters
        assert filters
        self.assertNotIn("Source", [select.label for select in filters.selects])


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


class CountingTest(FeedbackCase):
    def test_attribution_is_told_with_the_shop_s_own_windows(self) -> None:
        ShopSettings.objects.create(click_window_hours=48, view_window_hours=2)
        told = " ".join(feedback_counting.counting(read_shop())).replace(THIN, " ")
        self.assertIn("in the 48 hours before", told)
        self.assertIn("in the 2 hours before", told)

    def test_counts_by_former_windows_say_so(self) -> None:
        count_day()
        progress = FeedbackProgress.objects.create(
            counted_to=timezone.now(), click_window=timedelta(hours=24), view_window=timedelta(hours=1), zone="UTC"
        )
        self.assertIn("Counted", self.build().counted)
        progress.click_window = timedelta(hours=48)
        progress.save()
        self.assertIn("clicked in the 48 hours", self.build().counted.replace(THIN, " "))


class FilesTest(FeedbackCase):
    def setUp(self) -> None:
        super().setUp()
        self.client.force_login(make_person())
        count_day(shown=10_000, clicked=600, revenue=12.5)
        count_day(BEFORE, shown=10_000, clicked=500)

    def file(self, **params: str) -> list[dict[str, str]]:
        cache.clear()
        answer: Any = self.client.get(reverse("feedback"), {"format": "csv", **params})
        self.assertEqual(answer["Content-Type"], "text/csv; charset=utf-8")
        return list(csv.DictReader(io.StringIO(text_of(answer))))

    def test_a_split_with_rates_intervals_and_change(self) -> None:
        home, *others = self.file()
        self.assertEqual((home["key"], home["shown"], home["click_rate"]), ("home", "10000", "0.06"))
        self.assertEqual((home["ignored"], home["revenue"], home["beyond_chance"]), ("9400", "12.5", "yes"))
        self.assertLess(float(home["change_low"]), 0.01)
        self.assertEqual({other["click_rate"] for other in others}, {""})  # no data, not 0

    def test_every_split_funnel_and_beyond(self) -> None:
        count_day(dimension="position", key="1")
        self.assertEqual(len(self.file(split="day")), 28)
        self.assertEqual([row["key"] for row in self.file(split="position")], ["1"])
        self.assertEqual({row["step"]: row["before"] for row in self.file(table="funnel")}["clicked"], "500")
        self.assertEqual(self.file(table="beyond")[0]["now"], "0.06")


class ViewTest(FeedbackCase):
    def test_who_may_look(self) -> None:
        address = reverse("feedback")
        self.assertRedirects(self.client.get(address), f"/login/?next={address}")
        self.client.force_login(make_person(""))
        self.assertEqual(self.client.get(address).status_code, 403)
        self.client.force_login(make_person())
        self.assertEqual(self.client.get(address).status_code, 200)

    def test_only_who_may_change_the_windows_is_led_there(self) -> None:
        self.assertIsNone(self.build().attribution)
        count_day()
        found = self.build(roles.EDIT_SHOP).attribution
        if found is not None:
            self.assertTrue(found.href.startswith("/settings/"))

    def test_the_whole_page_and_its_part(self) -> None:
        self.client.force_login(make_person())
        count_day(source="simulator")
        whole = self.client.get(reverse("feedback"), {"placement": "home", "split": "day"})
        self.assertContains(whole, "From shown to bought")
        self.assertContains(whole, "badge-simulated")
        part = self.client.get(reverse("feedback"), headers={"HX-Request": "true"})
        self.assertNotContains(part, "<html")

    def test_bad_input_is_mended_or_finds_nothing(self) -> None:
        self.client.force_login(make_person())
        count_day()
        for params in (
            {"from": "soon", "to": "2026-13-40"}, {"split": "x", "trend": "y", "sort": "z"}, {"run": "9" * 30},
            {"rule": "'; --"}, {"position": "²"}, {"category": "\x00"},
        ):  # fmt: skip
            self.assertEqual(self.client.get(reverse("feedback"), params).status_code, 200, params)

    def test_the_query_count_does_not_grow(self) -> None:
        self.client.force_login(make_person())
        seen = []
        with stopped_clock():
            for days in (range(1), range(1, 20)):
                for n in days:
                    for placement in ("home", "trending", "basket"):
                        count_day(TODAY - timedelta(days=n), placement=placement, run=n + 1)
                        count_day(TODAY - timedelta(days=n), placement=placement, dimension="position", key=str(n + 1))
                cache.clear()
                with CaptureQueriesContext(connection) as queries:
                    self.client.get(reverse("feedback"))
                seen.append(len(queries))
        self.assertEqual(seen[0], seen[1])
        self.assertLess(seen[0], 36)
