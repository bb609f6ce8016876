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

from recommender.models import FeedbackDay, FeedbackProgress, Placement
from recsite.dashboard import roles
from recsite.dashboard.charts import Chart
from recsite.dashboard.components import Delta, Nothing
from recsite.dashboard.graphics import Bars
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
from tests.goods import NEWEST

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
