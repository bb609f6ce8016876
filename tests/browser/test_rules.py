"""A merchandiser's week: see why a shopper gets these, pin a product for next week, see it there, go live, undo."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from recommender import rulebook, serve
from recommender.models import Rule
from recommender.rulebook import Wording
from tests.browser.test_look_around import ShopCase

NEXT_WEEK = datetime.now(UTC) + timedelta(days=7)


def first_tiles(page: Page) -> list[str | None]:
    return [tile.get_attribute("data-product") for tile in page.locator("#rule-side [data-product]").all()]


class TasksTest(ShopCase):
    def test_pin_a_product_for_next_week_see_it_there_go_live_and_undo(self) -> None:
        self.page.keyboard.press("/")
        self.page.keyboard.type("s1", delay=20)
        self.page.get_by_role("option").first.click()
        self.page.get_by_role("link", name="Open in Preview").click()
        self.page.locator("[data-tile-link]").nth(3).click()
        expect(self.page.locator("#why")).to_contain_text("Why is")
        product = self.page.locator("[data-product]").nth(3).get_attribute("data-product")
        self.page.locator("#why").get_by_role("link", name="Pin this product").click()

        side, sentence = self.page.locator("#rule-side"), self.page.locator("#rule-sentence")
        expect(sentence).to_contain_text("to position 1 on Home, for everyone")
        self.page.get_by_label("At position").fill("2")
        expect(sentence).to_contain_text("to position 2 on Home")
        expect(side.locator("[data-product]").nth(1)).to_have_attribute("data-product", product or "")
        expect(self.page.get_by_label("At position")).to_be_focused()  # the list changed, the hand stays

        self.page.get_by_label("From", exact=True).fill(f"{NEXT_WEEK:%Y-%m-%dT08:00}")
        expect(side.get_by_role("heading", level=2).first).to_contain_text(f" on {NEXT_WEEK.day} ")
        expect(self.page.get_by_role("button", name=re.compile("Go live on"))).to_be_visible()
        self.page.get_by_label("As of").fill(f"{datetime.now(UTC):%Y-%m-%dT%H:%M}")
        expect(side).to_contain_text("It does not run at this moment")
        self.page.get_by_label("As of").fill("")
        expect(self.page.get_by_label("Shopper", exact=True)).to_have_value("Shopper s1")  # whose tile it was
        expect(side.get_by_role("heading", level=2).first).to_contain_text("for Shopper s1")
        self.page.get_by_label("Shopper", exact=True).fill("")
        expect(side.get_by_role("heading", level=2).first).to_contain_text("for a new visitor")
        self.page.get_by_label("Shopper", exact=True).press_sequentially("s1", delay=20)
        self.page.get_by_role("option", name=re.compile("Shopper s1")).first.click()
        expect(side.get_by_role("heading", level=2).first).to_contain_text("for Shopper s1")
        expect(side.locator("[data-product]").nth(1)).to_have_attribute("data-product", product or "")

        self.page.get_by_role("button", name=re.compile("Go live on")).click()
        expect(self.page.locator(".toast")).to_contain_text("goes live on")
        rule = Rule.objects.exclude(pk=self.rule.pk).get()
        start = rule.starts_at
        assert start
        request = serve.Request(shopper="s1", as_of=start, record=False)
        self.assertEqual(serve.recommend(request).items[1].product, product)
        expect(self.page.get_by_text("Scheduled").first).to_be_visible()

        self.page.locator("h1").click()
        self.page.keyboard.press("z")
        expect(self.page.locator(".toast")).to_contain_text("is draft again")
        rule.refresh_from_db()
        self.assertEqual(rule.status, "draft")

    def test_products_are_added_by_search_and_taken_off(self) -> None:
        self.page.goto("/rules/new/?verb=exclude&placement=home")
        search = self.page.get_by_label("Products", exact=True)
        for number in (7, 9):
            search.press_sequentially(f"number {number}", delay=20)
            self.page.get_by_role("option", name=f"Coffee number {number}").click()
            expect(self.page.locator("#chosen-products")).to_contain_text(f"Coffee number {number}")
            expect(search).to_have_value("")
        expect(self.page.locator("#rule-sentence")).to_contain_text("Never show Coffee number 7 or Coffee number 9")
        self.page.locator("#chosen-products").get_by_label("Coffee number 7").uncheck()
        expect(self.page.locator("#rule-sentence")).to_contain_text("Never show Coffee number 9 on Home")

    def test_save_a_draft_by_keyboard(self) -> None:
        self.page.goto("/rules/new/?verb=pin&product=p9&placement=home")
        self.page.get_by_label("Name", exact=True).fill("Coffee for Monday")
        self.page.keyboard.press("Control+Enter")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Coffee for Monday")
        expect(self.page.locator(".toast")).to_contain_text("saved as a draft")
        self.assertEqual(Rule.objects.get(name="Coffee for Monday").status, "draft")

    def test_a_conflict_is_seen_and_solved(self) -> None:
        rulebook.go_live(rule_id=self.rule.pk, by=None)
        self.page.goto("/rules/new/?verb=pin&product=p9")
        notice = self.page.locator(".notice-warn")
        expect(notice).to_contain_text("Two rules want position 1")
        expect(self.page.locator("#rule-side .conflict")).to_have_count(1)  # the older one has it
        notice.get_by_role("button", name=re.compile("to position 2")).click()
        expect(self.page.locator(".notice-warn")).to_have_count(0)
        expect(self.page.get_by_label("At position")).to_have_value("2")

    def test_order_by_alt_and_arrows(self) -> None:
        for number in (1, 2):
            condition = {"products": [f"p{number}"]}
            rulebook.create(wording=Wording(f"Away {number}", "exclude", condition), by=None, live=True)
        self.page.goto("/rules/")
        names = self.page.locator(".rule-name")
        expect(names).to_have_count(3)
        names.nth(1).focus()
        self.page.keyboard.press("Alt+ArrowUp")
        expect(names.first).to_contain_text("Away 2")
        expect(names.first).to_be_focused()
        expect(self.page.locator(".toast")).to_contain_text("now runs before “Away 1”")

    def test_several_are_paused_at_once(self) -> None:
        rulebook.go_live(rule_id=self.rule.pk, by=None)
        self.page.goto("/rules/")
        self.page.get_by_label("Choose “Tea first”").check()
        self.page.get_by_role("button", name="Pause", exact=True).click()
        expect(self.page.locator(".toast")).to_contain_text("1 rule paused")
        expect(self.page.locator("#list")).to_contain_text("Paused")


class RulePagesTest(ShopCase):
    """Axe and widths, as for every page, of the list and the editor."""

    def test_no_serious_finding_of_axe_and_nothing_scrolls_sideways(self) -> None:
        rulebook.go_live(rule_id=self.rule.pk, by=None)
        other = Wording("Coffee first", "pin", {"products": ["p9"]}, {"position": 1})
        rulebook.create(wording=other, by=None)
        addresses = ("/rules/", "/rules/new/", f"/rules/{self.rule.pk}/", "/rules/history/")
        self.check_pages(addresses, opened="details.rule-more")


class WithoutScriptsTest(ShopCase):
    def test_a_rule_is_tried_saved_and_undone_by_forms(self) -> None:
        plain = self.without_scripts()
        plain.goto("/rules/new/?placement=home")
        plain.get_by_label("Products", exact=True).fill("Coffee number 9")
        plain.get_by_label("At position").fill("2")
        plain.get_by_role("button", name="Show", exact=True).click()
        expect(plain.locator("#rule-sentence")).to_contain_text("Pin Coffee number 9 to position 2 on Home")
        self.assertEqual(first_tiles(plain)[1], "p9")
        plain.get_by_role("button", name="Go live").click()
        expect(plain.locator(".toast")).to_contain_text("is live since")
        plain.get_by_role("button", name="Undo").click()
        expect(plain.locator("h1")).to_contain_text("Draft")
