"""The placements' pages: rows with real lists, a form that is live on save, undo, refusals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse, QueryDict
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from behavior.models import Event
from recommender import serve, state, steering
from recommender.models import Placement, Rule, ServedList
from recommender.placements import Setup
from recsite.dashboard import placement_forms, placement_words, roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.numbers import THIN
from recsite.dashboard.pages import placements as list_page
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_feedback import BEFORE, count_day
from tests.goods import NEWEST, make_event, make_products, make_shoppers

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

    def test_readiness_says_what_is_missing(self) -> None:
        ready = self.rows()["home"].ready
        self.assertEqual(ready.state.text, "not ready")
        self.assertIn("No model serves", ready.words)

    def test_figures_of_the_newest_days_beside_those_before(self) -> None:
        count_day(shown=10_000, clicked=600, revenue=12.5)
        count_day(BEFORE, shown=10_000, clicked=500)
        home = self.rows()["home"]
        self.assertEqual(
            [(figure.label, figure.value.replace(THIN, " ")) for figure in home.figures],
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
        self.assertEqual(row.off and row.off.text, "off")
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


class FormTest(TestCase):
    """What is typed and what it means, both ways."""

    def read(self, text: str) -> placement_forms.Read:
        return placement_forms.read(QueryDict(text), new=False)

    def test_filters_in_the_api_s_form(self) -> None:
        found = self.read(
            "title=A&strategy=popular&n=5&category=Drinks+›+Tea&category=&brand=B&price_min=1.5"
            "&attribute_name=organic&attribute_values=yes,+no&attribute_low=&attribute_high="
            "&attribute_name=margin&attribute_values=&attribute_low=2&attribute_high=7"
        )
        self.assertEqual(found.errors, {})
        assert found.setup
        self.assertEqual(
            found.setup.filters,
            {
                "category": ["Drinks > Tea"], "brand": ["B"], "price_min": 1.5, "organic": ["yes", "no"],
                "margin_min": 2.0, "margin_max": 7.0,
            },
        )  # fmt: skip
        self.assertFalse(found.setup.is_active)

    def test_a_form_of_a_setup_means_that_setup(self) -> None:
        filters = {"tag": ["new"], "product": ["p1"], "price_max": 9.0, "colour": ["red"], "margin_min": 1.5}
        setup = Setup("A", "basket", 7, filters, ("similar", "popular"))
        again = placement_forms.understood(placement_forms.entries_of(setup), new=False)
        self.assertEqual(again.setup, setup)

    def test_each_error_says_what_came(self) -> None:
        base = "title=A&strategy=popular&"
        for text, field, word in (
            ("n=ten", "n", "“ten”"),
            ("n=5&price_min=cheap", "filters", "“cheap”"),
            ("n=5&attribute_name=x&attribute_values=&attribute_low=&attribute_high=", "filters", "neither"),
            ("n=5&attribute_name=x&attribute_values=a&attribute_low=1&attribute_high=", "filters", "both"),
            ("n=5&attribute_name=brand&attribute_values=a&attribute_low=&attribute_high=", "filters", "“brand”"),
        ):
            found = self.read(base + text)
            self.assertIsNone(found.setup)
            self.assertIn(word, found.errors[field])

    def test_in_words(self) -> None:
        filters = {
            "category": ["A > B"],
            "brand": "C",
            "price_min": 1,
            "price_max": 2.5,
            "margin_min": 3,
            "organic": "yes",
        }
        self.assertEqual(
            placement_words.filters(filters, "USD"),
            ["only in A › B", "brand C", "$1.00 to $2.50", "organic: yes", "margin from 3"],
        )
        before, after = Setup("A", "basket", 7).to_dict(), Setup("A", "popular", 7, {"brand": "C"}).to_dict()
        self.assertEqual(
            placement_words.differences(before, after, "USD"),
            ["Strategy: Basket add-ons → Best sellers", "Filters: none → brand C"],
        )


class SaveTest(PlacementCase):
    def test_a_new_one_is_live_at_once_and_is_undone(self) -> None:
        answer = self.create()
        self.assertRedirects(answer, reverse("placement", args=["breakfast"]), fetch_redirect_response=False)
        self.assertEqual({int(one[1:]) % 2 for one in self.served("breakfast")}, {0})
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.subject, entry.by), ("placement.create", "breakfast", self.person))
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(self.undo_url(answer))
        with self.assertRaises(serve.UnknownPlacement):
            self.served("breakfast")

    def test_a_change_is_live_on_save_and_undo_restores_the_list(self) -> None:
        before, row = self.served("home"), Placement.objects.get(slug="home")
        answer = self.post("placement", "home", **{**self.form_of("home"), "n": "3", "brand": "Brand 2"})
        self.assertEqual(answer.status_code, 302)
        self.assertEqual({int(one[1:]) % 3 for one in self.served("home")}, {2})
        self.assertEqual(len(self.served("home")), 3)
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(self.undo_url(answer))
        self.assertEqual(self.served("home"), before)
        again = Placement.objects.get(slug="home")
        self.assertEqual((again.filters, again.n, again.fallbacks), (row.filters, row.n, row.fallbacks))
        page = self.client.get(reverse("placement", args=["home"]))
        self.assertContains(page, "Products: 10 → 3")
        self.assertContains(page, "Undone")

    def test_saved_unchanged_writes_nothing(self) -> None:
        self.post("placement", "home", **self.form_of("home"))
        self.assertFalse(AuditEntry.objects.exists())

    def test_undo_of_what_was_changed_since_is_refused(self) -> None:
        first = self.undo_url(self.post("placement", "home", **{**self.form_of("home"), "n": "3"}))
        self.post("placement", "home", **{**self.form_of("home"), "n": "4"})
        answer = self.client.post(first, follow=True)
        self.assertContains(answer, "Not undone: merchandiser changed it meanwhile.")
        self.assertEqual(Placement.objects.get(slug="home").n, 4)

    def test_deleted_and_brought_back(self) -> None:
        self.create()
        answer = self.post("placement-delete", "breakfast")
        self.assertFalse(Placement.objects.filter(slug="breakfast").exists())
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(self.undo_url(answer))
        self.assertEqual(Placement.objects.get(slug="breakfast").filters["price_max"], 9)
        self.assertEqual(len(self.served("breakfast")), 4)

    def test_a_built_in_one_is_not_deleted(self) -> None:
        self.assertNotContains(self.client.get(reverse("placement", args=["home"])), ">Delete<")
        self.post("placement-delete", "home")
        self.assertTrue(Placement.objects.filter(slug="home").exists())

    def test_what_cannot_stand_keeps_every_entry_and_says_why(self) -> None:
        for fields, words in (
            ({"slug": "Two Words"}, "small letters, digits and hyphens"),
            ({"slug": "home"}, "taken already"),
            ({"n": "0"}, "expected 1 … 100"),
            ({"price_max": "cheap"}, "expected a number, received “cheap”"),
            ({"fallback": ["popular"]}, "not the placement"),
        ):
            answer = self.create(**fields)
            self.assertContains(answer, words, status_code=422)
            self.assertContains(answer, 'value="Breakfast"', status_code=422)
        self.assertFalse(Placement.objects.filter(slug="breakfast").exists())

    def test_who_was_slower_keeps_the_entries(self) -> None:
        form = self.form_of("home")
        self.post("placement", "home", **{**form, "n": "3"})
        answer = self.post("placement", "home", **{**form, "title": "Front page"})
        self.assertContains(answer, "merchandiser changed this placement meanwhile", status_code=409)
        self.assertContains(answer, 'value="Front page"', status_code=409)
        self.assertEqual(Placement.objects.get(slug="home").title, "Home")


class TrialTest(PlacementCase):
    def test_the_list_before_saving_is_what_the_api_answers_after(self) -> None:
        form = {**self.form_of("home"), "n": "5", "brand": "Brand 1", "preview_shopper": "s0", "preview_product": "p3"}
        trial = (
            self.client.post(reverse("placement", args=["home"]), {**form, "do": ""}, headers={"HX-Request": "true"})
            .context["page"]
            .trial
        )
        self.assertEqual(Placement.objects.get(slug="home").n, 10)
        shown = [card.key for card in trial.tiles.cards]
        self.assertIn("The filters let 4 of 12 products through.", trial.reach)
        self.assertIn("4 products only", [notice.title for notice in trial.notices])
        self.post("placement", "home", **form)
        asked = serve.recommend(serve.Request(shopper="s0", products=("p3",), placement="home", record=False))
        self.assertEqual([item.product for item in asked.items], shown)

    def test_names_that_no_product_has_are_told(self) -> None:
        form = {
            **self.form_of("home"), "do": "", "category": ["drinks › tea", "Dinks"], "brand": "Brand 1",
            "product": "x9", "attribute_name": "colour", "attribute_values": "red",
            "attribute_low": "", "attribute_high": "",
        }  # fmt: skip
        trial = self.client.post(reverse("placement", args=["home"]), form).context["page"].trial
        self.assertEqual(trial.notices[0].title, "No product has “Dinks” and “x9” and “colour”.")
        self.assertIsNone(trial.tiles)

    def test_a_new_one_is_tried_before_it_has_a_name(self) -> None:
        page = self.client.get(reverse("placement-new")).context["page"]
        self.assertTrue(page.trial.tiles.cards)

    def test_moves_compare_with_the_list_as_it_is(self) -> None:
        form = {**self.form_of("home"), "price_max": "6", "do": ""}
        trial = self.client.post(reverse("placement", args=["home"]), form).context["page"].trial
        self.assertTrue(trial.leaves.startswith("Leaves the list: "))
        self.assertTrue(all(card.move for card in trial.tiles.cards))

    def test_entries_that_cannot_be_read_leave_the_list_as_it_is(self) -> None:
        form = {**self.form_of("home"), "n": "many", "do": ""}
        trial = self.client.post(reverse("placement", args=["home"]), form).context["page"].trial
        self.assertEqual([card.key for card in trial.tiles.cards][:3], self.served_for_anna()[:3])
        self.assertIn("received “many”", trial.notices[0].text)

    def served_for_anna(self) -> list[str]:
        asked = serve.recommend(serve.Request(shopper="s0", products=("p3",), placement="home", record=False))
        return [item.product for item in asked.items]


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
