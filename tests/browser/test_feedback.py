"""Feedback as a merchandiser works with it: filter, open a line, sort, compare, with and without scripts."""

from __future__ import annotations

from datetime import timedelta

from playwright.sync_api import expect

from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.dashboard.test_feedback import TODAY, count_day


class FeedbackCase(ConsoleCase):
    """Eight weeks of counts, half of them simulated, looked at by a merchandiser."""

    def setUp(self) -> None:
        super().setUp()
        for n in range(56):
            day, source = TODAY - timedelta(days=n), ("api", "simulator")[n % 2]
            for placement, clicked in (("home", 60 + n % 7), ("trending", 20)):
                count_day(day, placement=placement, clicked=clicked, source=source, revenue=10.0 + n)
                for position in (1, 2, 3):
                    count_day(
                        day, placement=placement, clicked=clicked // position, dimension="position", key=str(position)
                    )
        make_person()
        self.log_in("merchandiser", PASSWORD)


class WorkTest(FeedbackCase):
    def test_filter_open_a_line_and_come_back(self) -> None:
        self.page.keyboard.press("g")
        self.page.keyboard.press("f")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Feedback")
        expect(
            self.page.locator("#trend .js-plotly-plot, #trend.js-plotly-plot, #trend .main-svg").first
        ).to_be_visible()
        self.page.locator("#by").get_by_role("link", name="Trending").click()
        self.page.wait_for_url("**placement=trending**")
        expect(self.page.locator("#by h2")).to_have_text("By position")
        expect(self.page.locator("#by tbody tr")).to_have_count(3)
        self.page.get_by_role("link", name="Clear filters").click()
        expect(self.page.get_by_label("Placement")).to_have_value("")

    def test_a_choice_applies_at_once_and_keeps_the_split(self) -> None:
        self.page.goto("/feedback/?split=day")
        self.page.get_by_label("Source").select_option("api")
        self.page.wait_for_url("**source=api**")
        self.assertIn("split=day", self.page.url)
        expect(self.page.locator("#feedback .badge-simulated")).to_have_count(0)

    def test_sort_by_a_header(self) -> None:
        self.page.goto("/feedback/")
        self.page.get_by_role("link", name="Click rate", exact=True).last.click()
        self.page.wait_for_url("**sort=-rate**")
        expect(self.page.locator("#by tbody tr").first).to_contain_text("Home")

    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        self.check_pages(("/feedback/", "/feedback/?split=day&trend=revenue", "/feedback/?rule=7"))


class WithoutScriptsTest(FeedbackCase):
    def test_filters_are_a_form_and_numbers_stand_under_the_charts(self) -> None:
        plain = self.without_scripts()
        plain.goto("/feedback/")
        plain.get_by_label("Placement").select_option("home")
        plain.get_by_role("button", name="Filter").click()
        self.assertIn("placement=home", plain.url)
        plain.locator("#trend summary").click()
        expect(plain.locator("#trend tbody tr")).to_have_count(28)
