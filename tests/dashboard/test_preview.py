from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from behavior.models import Shopper
from recommender import availability, serve, state, steering, store
from recommender.models import Placement, Rule, ServedList
from recsite.dashboard import preview, roles
from recsite.dashboard.pages import preview as page
from recsite.dashboard.pages.preview import PreviewPage
from recsite.dashboard.shop import read_shop
from recsite.testing import flush_redis, open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import make_history, make_products, make_shoppers

HOST = "http://shop.example"


class PreviewCase(TestCase):
    """A small shop without a model: lists are what sells most."""

    def setUp(self) -> None:
        flush_redis()
        self.products = make_products(24)
        self.shoppers = make_shoppers(4)
        make_history(self.shoppers, self.products, weeks=3)
        self.forget()

    def tearDown(self) -> None:
        flush_redis()
        state.forget()

    def forget(self) -> None:
        """A serving process that has just started."""
        steering.publish()
        state.forget()
        availability.file().unlink(missing_ok=True)

    def build(self, **params: str) -> PreviewPage:
        return page.build(params, read_shop(), permissions=frozenset(), host=HOST)


class PreviewPageTest(PreviewCase):
    def test_the_list_is_the_apis_own(self) -> None:
        for shopper in (None, "s1"):
            answer = serve.recommend(serve.Request(shopper=shopper, record=False))
            made = self.build(shopper=shopper or "")
            assert made.single
            self.assertEqual([card.key for card in made.single.cards], [item.product for item in answer.items])
            self.assertEqual(made.single.cards[0].chip, preview.chip(answer.items[0]))

    def test_nothing_is_recorded_as_served(self) -> None:
        self.build(shopper="s1")
        self.assertEqual(store.take_served(10), ([], []))
        self.assertFalse(ServedList.objects.exists())

    def test_a_draft_rule_is_seen_beside_what_is_live(self) -> None:
        Rule.objects.create(
            name="Tea first", verb="pin", condition={"products": ["p20"]}, parameters={"position": 1}, status="draft"
        )
        made = self.build(a="serving.live", b="serving.draft")
        assert made.both
        self.assertEqual(made.both.b.tiles.cards[0].key, "p20")
        self.assertTrue(made.both.b.tiles.cards[0].chip and made.both.b.tiles.cards[0].chip.by_rule)
        self.assertNotEqual(made.both.a.tiles.cards[0].key, "p20")
        self.assertEqual(made.both.summary.by_rules, 1)

    def test_live_rules_can_be_switched_off(self) -> None:
        first = serve.recommend(serve.Request(record=False)).items[0].product
        Rule.objects.create(name="Not that", verb="exclude", condition={"products": [first]}, status="live")
        self.forget()
        made = self.build(a="serving.off", b="serving.live")
        assert made.both
        self.assertEqual(made.both.a.tiles.cards[0].key, first)
        self.assertNotIn(first, [card.key for card in made.both.b.tiles.cards])

    def test_only_differences_leaves_out_what_stayed(self) -> None:
        Rule.objects.create(
            name="Tea first", verb="pin", condition={"products": ["p20"]}, parameters={"position": 10}, status="draft"
        )
        made = self.build(a="serving.live", b="serving.draft", diff="1")
        assert made.both
        self.assertTrue(all(card.move and card.move.kind != "same" for card in made.both.b.tiles.cards))

    def test_why_gives_the_reason_the_rule_and_what_would_be_without_it(self) -> None:
        Rule.objects.create(
            name="Tea first", verb="pin", condition={"products": ["p20"]}, parameters={"position": 1}, status="live"
        )
        self.forget()
        made = self.build(why="p20").why
        assert made
        self.assertIn("at rank 1?", made.title)
        self.assertEqual([step.title for step in made.trace.steps], ["Tea first"])
        self.assertIn("Without “Tea first” it would be at rank", made.trace.without)

    def test_inputs_that_are_not_known_are_said(self) -> None:
        made = self.build(shopper="nobody", product="nothing", at="yesterday", placement="attic", a="99.live")
        self.assertEqual([notice.title for notice in made.notices][:2], ["No shopper nobody", "No product № nothing"])
        assert made.single
        self.assertTrue(made.single.cards)

    def test_a_shopper_may_be_chosen_while_a_visitor_is_shown(self) -> None:
        Shopper.objects.create(kind="visitor", external_id="v1")
        for found in ("v1", "s0"):
            made = self.build(visitor=found)
            self.assertEqual(made.shopper.value, found)

    def test_an_empty_list_says_what_to_do(self) -> None:
        Rule.objects.create(name="Nothing", verb="exclude", condition={"price_min": 0}, status="live")
        self.forget()
        self.assertIn("Widen an “only”", next(one.text for one in self.build().notices if "empty" in one.title))

    def test_two_lists_that_are_one_say_why(self) -> None:
        def said() -> list[str]:
            return [notice.text for notice in self.build(b="serving.draft").notices if "the same" in notice.title]

        self.assertIn("No rule is a draft now", said()[0])
        rule = Rule.objects.create(
            name="Nowhere", verb="pin", condition={"products": ["none"]}, parameters={"position": 1}, status="draft"
        )
        self.assertIn("does not touch this list", said()[0])
        later = timezone.now() + timedelta(days=7)
        Rule.objects.filter(pk=rule.pk).update(condition={"products": ["p20"]}, starts_at=later)
        self.assertIn("set “As of” to look ahead", said()[0])
        Rule.objects.filter(pk=rule.pk).update(starts_at=None)
        self.assertEqual(said(), [])

    def test_a_segment_of_ones_own_choice_is_said_beside_the_curl_line(self) -> None:
        self.assertTrue(self.build(segment="loyal").curl.text.startswith("# With the shopper's own segment"))
        self.assertTrue(self.build().curl.text.startswith("curl -G"))

    def test_the_address_holds_the_moment_in_the_shops_zone(self) -> None:
        with self.settings(SHOP_TIME_ZONE="Asia/Tokyo"):
            asked, _ = page.read_wish({"at": "2026-03-30T09:00"}, read_shop())
        self.assertEqual(asked.at, datetime(2026, 3, 30, 9, tzinfo=ZoneInfo("Asia/Tokyo")))

    def test_curl_asks_the_same(self) -> None:
        line = self.build(shopper="s1", placement="similar", product="p2").curl.text
        for part in (
            f"curl -G {HOST}/api/v1/recommendations",
            "shopper=s1",
            "placement=similar",
            "product=p2",
            "record=false",
        ):
            self.assertIn(part, line)
        self.assertNotIn("sk_", line)

    def test_an_id_cannot_break_out_of_the_curl_line(self) -> None:
        Shopper.objects.create(external_id="x'; rm -rf /")
        self.assertIn("'shopper=x'\"'\"'; rm -rf /'", self.build(shopper="x'; rm -rf /").curl.text)


class PreviewViewTest(PreviewCase):
    def test_it_renders_as_links_and_forms(self) -> None:
        Rule.objects.create(
            name="Tea first", verb="pin", condition={"products": ["p20"]}, parameters={"position": 1}, status="draft"
        )
        for role in (roles.MERCHANDISER, roles.ADMIN):
            self.client.force_login(make_person(role))
            answer = self.client.get(
                reverse("preview"),
                {"shopper": "s1", "a": "serving.live", "b": "serving.draft", "why": "p20", "side": "B"},
            )
            self.assertContains(answer, "Why is “Tea number 20” at rank 1 in B?")
            self.assertContains(answer, "Copy as curl")

    def test_every_placement_renders(self) -> None:
        self.client.force_login(make_person())
        for slug in Placement.objects.values_list("slug", flat=True):
            answer = self.client.get(reverse("preview"), {"shopper": "s1", "placement": slug, "product": "p2"})
            self.assertEqual(answer.status_code, 200, slug)

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_list(self) -> None:
        self.client.force_login(make_person())
        counts = []
        for n in (3, 20):
            Placement.objects.filter(slug="home").update(n=n)
            self.forget()
            self.client.get(reverse("preview"))
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("preview"))
            counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])


class EmptyShopTest(TestCase):
    def test_an_empty_list_says_its_cause(self) -> None:
        open_new_shop(self)
        made = page.build({}, read_shop(), permissions=frozenset(), host=HOST)
        self.assertEqual(made.notices[0].title, "The list is empty")
