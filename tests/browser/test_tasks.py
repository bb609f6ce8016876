"""The four tasks that need no manual: find a shopper, see why they get these, pin a product for next week, see what a
rule did. Each with the clicks that a person makes, within a minute."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from playwright.sync_api import Locator, expect

from behavior.models import Shopper
from catalog.models import Product
from recommender import roll_up, rulebook, serve, state, tasks
from recommender.models import Rule, ServedList
from recommender.roll_up import Windows
from recommender.rulebook import Wording
from recsite.dashboard.shop import read_shop
from tests.browser.test_look_around import ShopCase
from tests.goods import make_event

MINUTE = 60.0  # seconds
LISTS = 310  # above the 300 under which no rate is judged


class TaskCase(ShopCase):
    """Counts what the hand does."""

    acts = 0

    @contextmanager
    def task(self, *, most: int) -> Iterator[None]:
        """Within a minute and with ``most`` clicks, keys and entries."""
        self.acts, begun = 0, time.monotonic()
        yield
        self.assertLess(time.monotonic() - begun, MINUTE)
        self.assertLessEqual(self.acts, most)

    def click(self, what: Locator) -> None:
        self.acts += 1
        what.click()

    def find(self, text: str) -> None:
        """``/``, the text, ↵."""
        self.acts += 3
        self.page.keyboard.press("/")
        self.page.keyboard.type(text, delay=20)
        expect(self.page.get_by_role("option").first).to_contain_text(text)
        self.page.keyboard.press("Enter")

    def link(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("link", name=name)


class ShopperTasksTest(TaskCase):
    def test_find_a_shopper(self) -> None:
        with self.task(most=3):
            self.find("s1")
            expect(self.page.get_by_role("heading", level=1)).to_contain_text("Shopper s1")

    def test_see_why_they_get_these_products(self) -> None:
        self.page.goto("/shoppers/s1/")
        tile = self.page.locator("[data-tile-link]").nth(1)
        name = tile.inner_text()
        with self.task(most=1):
            self.click(tile)
            expect(self.page.locator("#why h2")).to_contain_text(f"Why is “{name.split(' · ')[0]}")
            expect(self.page.locator("#why h2")).to_contain_text("at rank 2?")
            expect(self.page.locator("#why")).to_be_in_viewport()
        expect(self.page.get_by_label("Shopper", exact=True)).to_have_value("Shopper s1")


class PinTaskTest(TaskCase):
    def test_pin_a_product_for_next_week(self) -> None:
        self.page.goto("/shoppers/s1/")
        product = self.page.locator("[data-product]").nth(5).get_attribute("data-product") or ""
        with self.task(most=4):
            self.click(self.page.locator("[data-tile-link]").nth(5))
            self.click(self.page.locator("#why").get_by_role("link", name="Pin this product"))
            side = self.page.locator("#rule-side")
            expect(side.get_by_role("heading", level=2).first).to_contain_text("Home for Shopper s1 now")
            self.click(self.page.get_by_role("button", name="Next week"))
            expect(side.get_by_role("heading", level=2).first).to_contain_text("Home for Shopper s1 on")
            expect(side.locator("[data-product]").first).to_have_attribute("data-product", product)
            self.click(self.page.get_by_role("button", name=re.compile("Go live on")))
            expect(self.page.locator(".toast")).to_contain_text("goes live on")
        rule = Rule.objects.exclude(pk=self.rule.pk).get()
        assert rule.starts_at
        assert rule.ends_at
        zone = read_shop().zone
        starts, ends = rule.starts_at.astimezone(zone), rule.ends_at.astimezone(zone)
        self.assertEqual((starts.weekday(), f"{starts:%H:%M}", ends.date() - starts.date()), (0, "00:00", timedelta(7)))
        self.assertGreater(starts, datetime.now(UTC))
        expect(self.page.locator("#rule-effect")).to_contain_text("It starts on")
        for moment, there in ((starts, True), (ends - timedelta(seconds=1), True), (ends, False)):
            answer = serve.recommend(serve.Request(shopper="s1", as_of=moment, record=False))
            self.assertEqual(answer.items[0].product == product, there, f"{moment}")

    def test_without_scripts_next_week_is_a_button_of_the_form(self) -> None:
        plain = self.without_scripts()
        plain.goto("/rules/new/?verb=pin&product=p9&placement=home")
        plain.get_by_role("button", name="Next week").click()
        expect(plain.locator("#rule-sentence")).to_contain_text(re.compile(r"on Home from \d+ \w+ 00:00"))
        expect(plain.get_by_label("Until", exact=True)).to_have_value(re.compile("T00:00$"))


class EffectTaskTest(TaskCase):
    """A pin whose lists were asked for, shown and clicked."""

    def setUp(self) -> None:
        super().setUp()
        wording = Wording("Coffee first", "pin", {"products": ["p9"]}, {"position": 1}, ("home",))
        self.pin = rulebook.create(wording=wording, by=None, live=True)
        state.forget()
        answers = [serve.recommend(serve.Request(shopper=f"s{n % 6}")) for n in range(LISTS)]
        tasks.store_served_lists()
        self.assertEqual(ServedList.objects.count(), LISTS)
        pinned = Product.objects.get(external_id="p9")
        people = {shopper.external_id: shopper for shopper in Shopper.objects.all()}
        for n, answer in enumerate(answers):
            now, facts = datetime.now(UTC), {"source": "api", "recommendation_id": answer.recommendation_id}
            make_event(people[f"s{n % 6}"], None, type="impression", at=now, **facts)
            if n % 5 == 0:
                make_event(people[f"s{n % 6}"], pinned, type="click", at=now, **facts)
        roll_up.refresh(windows=Windows(), zone=ZoneInfo(str(read_shop().zone)))

    def test_see_what_it_did(self) -> None:
        with self.task(most=2):
            self.click(self.page.get_by_role("navigation", name="Main").get_by_role("link", name="Rules"))
            row = self.page.get_by_role("row").filter(has_text="Coffee first")
            expect(row).to_contain_text("Click rate 20.0")
            self.click(row.get_by_role("link", name="Coffee first"))
            effect = self.page.locator("#rule-effect")
            expect(effect).to_be_in_viewport()
            expect(effect).to_contain_text(re.compile(rf"Lists it touched\s*{LISTS}"))
            expect(effect).to_contain_text("20.00")
        self.link("Day by day in Feedback").click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text("Feedback")
        expect(self.page.locator("#feedback")).to_contain_text(str(LISTS))
        self.check()
