"""A merchandiser sets up slots: try before saving, save, undo by a key, make one, with and without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from recommender import serve, state, steering
from recommender.models import Placement
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.goods import make_history, make_products, make_shoppers


class PlacementCase(ConsoleCase):
    """A small shop without a model, looked at by a merchandiser."""

    def setUp(self) -> None:
        super().setUp()
        make_history(make_shoppers(6), make_products(24), weeks=4)
        steering.publish()
        state.forget()
        make_person()
        self.log_in("merchandiser", PASSWORD)

    def served(self, slug: str) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(placement=slug, record=False)).items]


class WorkTest(PlacementCase):
    def test_try_save_and_undo_by_a_key(self) -> None:
        before = self.served("home")
        self.page.goto("/placements/")
        self.page.locator("[data-slot=home]").get_by_role("link", name="Edit").click()
        self.page.get_by_label("Brand 1").fill("Brand 2")
        expect(self.page.locator("#placement-side")).to_contain_text("The filters let 8 of 24 products through.")
        tried = self.page.locator("#placement-side [data-product]").evaluate_all(
            "tiles => tiles.map((tile) => tile.dataset.product)"
        )
        self.assertEqual({int(one[1:]) % 3 for one in tried}, {2})
        self.assertEqual(self.served("home"), before)  # nothing is live before it is saved
        self.page.get_by_role("button", name="Save, live at once").click()
        expect(self.page.locator("[data-toast]")).to_contain_text("is live as changed since")
        self.assertEqual({int(one[1:]) % 3 for one in self.served("home")}, {2})
        self.page.keyboard.press("z")
        expect(self.page.locator("[data-toast]")).to_contain_text("is as it was before")
        self.assertEqual(self.served("home"), before)

    def test_the_preview_is_of_whoever_is_chosen_as_one_types(self) -> None:
        self.page.goto("/placements/home/")
        self.page.get_by_label("Lists as seen by").fill("s3")  # at once: a search that the next key overtakes is logged
        self.page.get_by_role("option", name="Shopper s3").click()
        expect(self.page.locator("#placement-side h2").first).to_have_text("Home for shopper s3")

    def test_a_slot_of_ones_own(self) -> None:
        self.page.goto("/placements/")
        self.page.get_by_role("link", name="New placement").click()
        self.page.get_by_label("Title").fill("Tea time")
        self.page.get_by_label("Name in the API").fill("tea-time")
        self.page.get_by_label("What fills it").select_option("popular")
        self.page.get_by_label("Category 1").fill("Drinks › Tea")
        expect(self.page.locator("#placement-side")).to_contain_text("The filters let 12 of 24 products through.")
        self.page.get_by_label("Category 1").press("Control+Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Tea time")
        self.assertEqual({int(one[1:]) % 2 for one in self.served("tea-time")}, {0})
        self.page.get_by_role("button", name="Delete").click()
        expect(self.page.locator("[data-toast]")).to_contain_text("is deleted")
        self.assertFalse(Placement.objects.filter(slug="tea-time").exists())
        self.page.get_by_role("button", name="Undo").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Tea time")

    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        self.check_pages(("/placements/", "/placements/similar/", "/placements/new/"))


class WithoutScriptsTest(PlacementCase):
    def test_the_form_shows_and_saves(self) -> None:
        plain = self.without_scripts()
        plain.goto("/placements/home/")
        plain.get_by_label("Products").fill("3")
        plain.get_by_role("button", name="Show what it would do").click()
        expect(plain.locator("#placement-side [data-product]")).to_have_count(3)
        self.assertEqual(len(self.served("home")), 10)
        plain.get_by_role("button", name="Save, live at once").click()
        expect(plain.get_by_text("is live as changed since")).to_be_visible()
        self.assertEqual(len(self.served("home")), 3)
