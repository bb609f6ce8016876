"""A merchandiser with no manual: find a shopper, see why they get these products, compare, move by keyboard."""

from __future__ import annotations

import re
from unittest.mock import patch

from playwright.sync_api import expect

from recommender import state, steering
from recommender.models import Rule
from recsite.dashboard.pages import product
from tests.browser.console import ConsoleCase
from tests.dashboard.people import PASSWORD, make_person
from tests.goods import make_history, make_products, make_shoppers

PAGES = (
    "/",
    "/products/",
    "/products/p2/",
    "/shoppers/",
    "/shoppers/s1/",
    "/preview/?shopper=s1&a=serving.live&b=serving.draft&why=p20&side=B",
    "/search/?q=tea",
    "/setup/",
)


class ShopCase(ConsoleCase):
    """A small shop with a draft rule, looked at by a merchandiser."""

    def setUp(self) -> None:
        super().setUp()
        products = make_products(24)
        make_history(make_shoppers(6), products, weeks=4)
        self.rule = Rule.objects.create(
            name="Tea first", verb="pin", condition={"products": ["p20"]}, parameters={"position": 1}, status="draft"
        )
        steering.publish()
        state.forget()
        self.addCleanup(state.forget)
        make_person()
        self.log_in("merchandiser", PASSWORD)


class TasksTest(ShopCase):
    def test_find_a_shopper_and_see_why_they_get_these_products(self) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.type("s1", delay=20)
        option = self.page.get_by_role("option").first
        expect(option).to_contain_text("Shopper s1")
        self.page.keyboard.press("ArrowDown")
        self.page.keyboard.press("Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Shopper s1")
        self.page.get_by_role("link", name="Open in Preview").click()
        self.page.locator("[data-tile-link]").first.click()
        expect(self.page.locator("#why")).to_contain_text("at rank 1?")
        expect(self.page.locator("#why")).to_contain_text("Rules, in the order they ran")

    def test_compare_with_a_draft_rule(self) -> None:
        self.page.goto("/preview/?shopper=s1")
        self.page.get_by_label("Compare with B").select_option("serving.draft")
        expect(self.page.locator("[data-side=B] [data-product]").first).to_have_attribute("data-product", "p20")
        self.page.keyboard.press("d")
        expect(self.page.get_by_role("link", name="Show everything")).to_be_visible()

    def test_tiles_by_keyboard(self) -> None:
        self.page.goto("/preview/")
        self.page.keyboard.press("ArrowRight")
        self.page.keyboard.press("ArrowRight")
        second = self.page.locator("[data-tile-link]").nth(1)
        expect(second).to_be_focused()
        self.page.keyboard.press("Enter")
        expect(self.page.locator("#why")).to_contain_text("at rank 2?")
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#why")).to_have_count(0)

    def test_pick_an_anchor_as_one_types(self) -> None:
        self.page.goto("/preview/?placement=similar")
        self.page.get_by_label("Anchor product").press_sequentially("number 7", delay=20)
        self.page.get_by_role("option", name="Coffee number 7").click()
        self.page.wait_for_url("**product=p7**")
        expect(self.page.get_by_label("Anchor product")).to_have_value(re.compile("Coffee number 7"))

    def test_the_list_follows_what_is_typed_and_the_address_keeps_it(self) -> None:
        self.page.goto("/products/")
        self.page.get_by_placeholder("Filter by name").press_sequentially("number 7", delay=20)
        expect(self.page.locator("#list tbody tr")).to_have_count(1)
        self.page.wait_for_url(re.compile(r"q=number(\+|%20)7"))
        self.page.reload()
        expect(self.page.locator("#list tbody tr")).to_have_count(1)

    def test_go_by_two_letters_and_ask_for_the_keys(self) -> None:
        self.page.keyboard.press("g")
        self.page.keyboard.press("s")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Shoppers")
        self.page.keyboard.press("?")
        expect(self.page.locator("#keys")).to_be_visible()

    def test_quiet_acts_wait_under_more_on_a_phone(self) -> None:
        self.page.set_viewport_size({"width": 390, "height": 844})
        self.page.goto("/products/")
        export = self.page.get_by_role("button", name="Export CSV")
        expect(export).to_have_count(0)  # a hidden one has no role
        self.page.locator("details.more summary").click()
        with self.page.expect_download() as download:
            export.click()
        self.assertEqual(download.value.suggested_filename, "products.csv")

    def test_charts_far_down_the_page_are_drawn_too(self) -> None:
        self.page.set_viewport_size({"width": 1440, "height": 300})
        self.page.goto("/shoppers/s1/")
        expect(self.page.locator("[data-chart]").first).to_be_attached()
        expect(self.page.locator("[data-chart]:not([data-drawn])")).to_have_count(0)


class BestSellerTest(ShopCase):
    """A product that sells so much that its page asks for the lower half afterwards."""

    def setUp(self) -> None:
        super().setUp()
        many = patch.object(product, "MANY_LINES", 0)
        many.start()
        self.addCleanup(many.stop)

    def test_the_lower_half_comes_by_itself_and_nothing_else_moves(self) -> None:
        self.page.goto("/products/p2/?trend=revenue", wait_until="networkidle")
        expect(self.page.get_by_role("heading", name="Where it is recommended")).to_be_visible()
        expect(self.page.locator(".later")).to_have_count(0)  # the skeleton gave way
        self.page.get_by_role("link", name="Similar").click()
        self.page.wait_for_url(re.compile(r"\?trend=revenue&neighbours=similar$"))
        expect(self.page.get_by_role("heading", name="Where it is recommended")).to_be_visible()
        self.check()

    def test_without_scripts_a_link_shows_all(self) -> None:
        plain = self.without_scripts()
        plain.goto("/products/p2/")
        plain.get_by_role("link", name="Show it all at once").click()
        expect(plain.get_by_role("heading", name="Where it is recommended")).to_be_visible()


class EveryPageTest(ShopCase):
    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        self.check_pages(PAGES)


class WithoutScriptsTest(ShopCase):
    def setUp(self) -> None:
        super().setUp()
        self.plain = self.without_scripts()

    def test_filters_search_and_preview_are_forms_and_links(self) -> None:
        self.plain.goto("/products/")
        self.plain.get_by_placeholder("Filter by name").fill("number 7")
        self.plain.get_by_role("button", name="Filter").click()
        self.assertIn("q=number+7", self.plain.url)
        self.plain.locator("#global-search").fill("p11")
        self.plain.locator("#global-search").press("Enter")
        self.assertTrue(self.plain.url.endswith("/products/p11/"))
        self.plain.goto("/preview/")
        self.plain.get_by_label("Shopper", exact=True).fill("s1")
        self.plain.get_by_role("button", name="Show", exact=True).click()
        expect(self.plain.locator("[data-tile-link]").first).to_be_visible()
        self.plain.locator("[data-tile-link]").first.click()
        expect(self.plain.locator("#why")).to_contain_text("Why is")
