"""The placements' page: rows with real lists, and who may open it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from behavior.models import Event
from recommender import serve, state, steering
from recommender.models import Placement, Rule, ServedList
from recsite.dashboard import readiness, roles
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import placements as list_page
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_feedback import BEFORE, count_day
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers

FORM = {
    "title": "Breakfast", "slug": "breakfast", "strategy": "popular", "n": "4", "fallback": ["trending", ""],
    "category": ["Drinks › Tea", ""], "price_max": "9", "is_active": "on", "do": "save",
}  # fmt: skip


class PlacementCase(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.products = make_products(12)
        (self.anna,) = make_shoppers(1)
        make_event(self.anna, self.products[3])
        steering.publish()
        state.forget()
        self.person = make_person()
        self.client.force_login(self.person)

    def post(self, name: str, *args: object, **fields: Any) -> HttpResponse:
        with self.captureOnCommitCallbacks(execute=True):
            answer: Any = self.client.post(reverse(name, args=args), fields)
            return answer

    def served(self, slug: str) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(placement=slug, record=False)).items]

    def create(self, **fields: Any) -> HttpResponse:
        return self.post("placement-new", **{**FORM, **fields})

    def form_of(self, slug: str) -> dict[str, Any]:
        row = Placement.objects.get(slug=slug)
        return {
            "title": row.title, "strategy": row.strategy, "n": str(row.n), "fallback": row.fallbacks,
            "is_active": "on", "seen": row.updated_at.isoformat(), "do": "save",
        }  # fmt: skip

    def undo_url(self, answer: HttpResponse) -> str:
        *_, message = list(self.client.get(answer.url).context["console"]().toasts)  # type: ignore[attr-defined]
        return str(message.undo_url)


class ListTest(PlacementCase):
    def rows(self, **params: str) -> dict[str, list_page.SlotRow]:
        made = list_page.build(params, read_shop(), permissions=frozenset({roles.EDIT_PLACEMENTS}))
        return {row.slug: row for row in made.rows}

    def test_the_anchor_is_the_last_thing_bought_that_may_be_shown(self) -> None:
        (fuel,) = make_products(1, prefix="fuel", hidden=True)
        make_event(self.anna, fuel, at=NEWEST + timedelta(days=1))
        made = list_page.build({}, read_shop(), permissions=frozenset())
        self.assertEqual(made.anchor.value, self.products[3].external_id)

    def test_every_slot_in_words_with_a_list_of_the_api(self) -> None:
        rows = self.rows()
        self.assertEqual(list(rows), list(Placement.objects.values_list("slug", flat=True)))
        self.assertEqual(rows["home"].order, "Personal, then Trending, then Best sellers")
        self.assertEqual(rows["similar"].subject.split(", ", 1)[1], "for shopper s0, beside Coffee number 3")
        assert rows["home"].tiles
        asked = serve.recommend(serve.Request(shopper="s0", placement="home", products=("p3",), n=6, record=False))
        self.assertEqual([card.key for card in rows["home"].tiles.cards], [item.product for item in asked.items])
        self.assertFalse(ServedList.objects.exists())

    @override_settings(KEEP_COUNTS=True)
    def test_readiness_follows_a_shop_that_fills(self) -> None:
        self.addCleanup(readiness._KEPT._entries.clear)
        readiness._KEPT._entries.clear()
        Event.objects.all().delete()
        shares = [max(found.share for found in readiness.checked().strategies.values())]
        make_history(make_shoppers(3, prefix="h"), self.products)
        shares.append(max(found.share for found in readiness.checked().strategies.values()))
        Event.objects.all().delete()
        shares.append(max(found.share for found in readiness.checked().strategies.values()))
        self.assertEqual(shares[0], 0)
        self.assertGreater(shares[1], 0)
        self.assertEqual(shares[2], shares[1])  # kept for ten minutes

    def test_readiness_says_what_is_missing(self) -> None:
        ready = self.rows()["home"].ready
        self.assertEqual(ready.state.text, "not ready")
        self.assertIn("No model serves", ready.words)

    def test_figures_of_the_newest_days_beside_those_before(self) -> None:
        count_day(shown=10_000, clicked=600, revenue=12.5)
        count_day(BEFORE, shown=10_000, clicked=500)
        home = self.rows()["home"]
        self.assertEqual(
            [(figure.label, figure.value.replace(THIN, " ") + figure.unit) for figure in home.figures],
            [("Shown", "10,000"), ("Clicked", "6.00 %"), ("Bought", "120"), ("Revenue", "$12.50")],
        )
        delta = home.figures[1].delta
        assert delta
        self.assertEqual((delta.sign, delta.text.replace(THIN, " ")), ("▲", "1.00 pt"))
        self.assertEqual(self.rows()["trending"].unseen, "Not requested yet")
        self.assertEqual(self.rows()["trending"].figures, ())

    def test_rules_that_run_there(self) -> None:
        Rule.objects.create(name="Tea first", verb="boost", status="live", placements=["home"])
        Rule.objects.create(name="Everywhere", verb="boost", status="live")
        Rule.objects.create(name="Draft", verb="boost", status="draft")
        rows = self.rows()
        self.assertEqual(rows["home"].rules, "2 rules: Tea first, Everywhere")
        self.assertEqual(rows["trending"].rules, "1 rule: Everywhere")
        self.assertIn("placement=home", rows["home"].rules_href)

    def test_links_carry_the_slot_and_whose_list_it_is(self) -> None:
        actions = {action.label: action.href for action in self.rows()["similar"].actions}
        self.assertIn("placement=similar", actions["Preview"])
        self.assertIn("shopper=s0", actions["Preview"])
        self.assertIn("product=p3", actions["Preview"])
        self.assertEqual(actions["Feedback"], reverse("feedback") + "?placement=similar")

    def test_another_shopper_or_nobody(self) -> None:
        self.assertEqual(self.rows(shopper="")["home"].subject.split(", ")[-1], "for a new visitor")
        made = list_page.build({"shopper": "nobody"}, read_shop(), permissions=frozenset())
        self.assertEqual(made.notices[0].title, "No shopper nobody")

    def test_a_slot_that_is_off_says_so(self) -> None:
        Placement.objects.filter(slug="trending").update(is_active=False)
        row = self.rows()["trending"]
        self.assertEqual(row.badge and row.badge.text, "off")
        self.assertIn("404", row.none)

    def test_a_shop_without_sales_shows_what_a_visitor_sees(self) -> None:
        Event.objects.all().delete()
        self.assertEqual(self.rows()["home"].subject.split(", ")[-1], "for a new visitor")

    def test_the_query_count_does_not_grow(self) -> None:
        seen = []
        count_day()
        with stopped_clock():
            for more in (0, 12):
                for number in range(more):
                    Placement.objects.create(slug=f"own-{number}", title=f"Own {number}", strategy="popular")
                    Rule.objects.create(name=f"Rule {number}", verb="boost", status="live")
                    count_day(placement=f"own-{number}")
                steering.publish()
                state.forget()
                self.client.get(reverse("placements"))  # what is kept for a while is there
                with CaptureQueriesContext(connection) as queries:
                    self.assertEqual(self.client.get(reverse("placements")).status_code, 200)
                seen.append(len(queries))
        self.assertEqual(seen[0], seen[1])
        self.assertLess(seen[1], 30)


class AccessTest(PlacementCase):
    def test_who_may_look_and_who_may_change(self) -> None:
        one = reverse("placement", args=["home"])
        self.client.force_login(make_person(""))
        for address in (reverse("placements"), one, reverse("placement-new")):
            self.assertEqual(self.client.get(address).status_code, 403)
        looker = make_person("", name="looker")
        looker.user_permissions.add(Permission.objects.get(codename="view_product"))
        self.client.force_login(looker)
        answer = self.client.get(one)
        self.assertEqual(answer.status_code, 200)
        self.assertNotContains(answer, "Save, live at once")
        self.assertNotContains(self.client.get(reverse("placements")), "New placement")
        for address in (one, reverse("placement-new"), reverse("placement-delete", args=["home"])):
            self.assertEqual(self.client.post(address, FORM).status_code, 403)
        self.assertEqual(self.client.post(reverse("placement-undo", args=[1])).status_code, 403)

    def test_unknown_ones_are_not_found(self) -> None:
        self.assertEqual(self.client.get(reverse("placement", args=["nowhere"])).status_code, 404)
        self.assertEqual(self.client.post(reverse("placement-undo", args=[999])).status_code, 404)
        self.assertEqual(self.client.get(reverse("placement-delete", args=["home"])).status_code, 405)

    def test_the_whole_page_and_its_part(self) -> None:
        for address in (reverse("placements"), reverse("placement", args=["home"])):
            self.assertContains(self.client.get(address), "<html")
            self.assertNotContains(self.client.get(address, headers={"HX-Request": "true"}), "<html")
