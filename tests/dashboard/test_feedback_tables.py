"""The feedback page's table: splits, intervals, order, filters."""

from __future__ import annotations

from recommender.models import FeedbackDay, Placement, Rule
from recsite.dashboard.components import Nothing, Select
from recsite.dashboard.graphics import Bars, IntervalBar
from tests.dashboard.test_feedback import BEFORE, FeedbackCase, count_day


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
