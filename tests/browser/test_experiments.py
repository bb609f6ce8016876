"""A merchandiser tries another setup: both lists while typing, start, the page of it, end; with and without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from recommender.models import Experiment, Placement
from tests.browser.test_placements import PlacementCase
from tests.dashboard.test_experiments import count, make_experiment


class WorkTest(PlacementCase):
    def test_start_look_and_end_with_b(self) -> None:
        self.page.goto("/placements/home/")
        self.page.get_by_role("link", name="Try another setup").click()
        self.page.get_by_label("What is tried").fill("Only brand 2")
        self.page.get_by_label("Brand 1").fill("Brand 2")
        side = self.page.locator("#experiment-side")
        expect(side).to_contain_text("The filters let 8 of 24 products through.")
        tried = side.locator("[data-side=B] [data-product]").evaluate_all(
            "tiles => tiles.map((tile) => tile.dataset.product)"
        )
        self.assertEqual({int(one[1:]) % 3 for one in tried}, {2})
        self.assertFalse(Experiment.objects.exists())  # nothing is live before it is started
        self.page.get_by_role("button", name="Start, live at once").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Only brand 2")
        expect(self.page.locator("#setups")).to_contain_text("brand Brand 2")
        self.page.goto("/placements/home/")
        expect(self.page.get_by_text("This placement stands still.")).to_be_visible()
        self.page.get_by_role("link", name="Open the experiment").click()
        self.page.get_by_role("link", name="End, keep B").click()
        self.page.get_by_role("dialog").get_by_role("button", name="End, keep B").click()
        expect(self.page.locator("[data-toast]")).to_contain_text("everybody gets B on “Home”")
        expect(self.page.get_by_text("by merchandiser: “Home” went on with B")).to_be_visible()
        self.assertEqual({int(one[1:]) % 3 for one in self.served("home")}, {2})
        self.page.keyboard.press("z")
        expect(self.page.locator("[data-toast]")).to_contain_text("is as it was before")
        self.assertEqual(Placement.objects.get(slug="home").filters, {})

    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        self.check_pages(("/experiments/",))
        row = make_experiment()
        count(row, "a", n=90, clicked=9)
        count(row, "b", n=90, clicked=60)
        self.check_pages(
            ("/experiments/", "/experiments/fewer/", "/experiments/new/", "/experiments/fewer/end/?keep=b"),
        )


class WithoutScriptsTest(PlacementCase):
    def test_started_and_ended(self) -> None:
        plain = self.without_scripts()
        plain.goto("/experiments/new/?placement=home")
        plain.get_by_label("What is tried").fill("Three")
        plain.get_by_label("Products").fill("3")
        plain.get_by_role("button", name="Show both lists").click()
        expect(plain.locator("[data-side=B] [data-product]")).to_have_count(3)
        expect(plain.get_by_label("What is tried")).to_have_value("Three")
        plain.get_by_role("button", name="Start, live at once").click()
        expect(plain.get_by_role("heading", level=1)).to_contain_text("Three")
        plain.get_by_role("link", name="End, keep A").click()
        plain.get_by_role("button", name="End, keep A").click()
        expect(plain.get_by_text("went on with A, the placement as it was")).to_be_visible()
        self.assertEqual(len(self.served("home")), 10)
