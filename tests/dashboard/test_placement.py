"""One placement's page: a form that is live on save, the trial beside it, undo, refusals."""

from __future__ import annotations

from django.http import QueryDict
from django.test import TestCase
from django.urls import reverse

from recommender import serve
from recommender.models import Placement
from recommender.placements import Setup
from recsite.dashboard import placement_forms, placement_words
from recsite.dashboard.models import AuditEntry
from tests.dashboard.test_placements import PlacementCase


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
        ):
            answer = self.create(**fields)
            self.assertContains(answer, words, status_code=422)
            self.assertContains(answer, 'value="Breakfast"', status_code=422)
        self.assertFalse(Placement.objects.filter(slug="breakfast").exists())

    def test_what_fills_it_is_no_fallback_and_each_stands_once(self) -> None:
        answer = self.post("placement", "home", **{**self.form_of("home"), "strategy": "trending"})
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(list(Placement.objects.get(slug="home").fallbacks), ["popular"])
        self.create(fallback=["popular", "trending", "trending", ""])
        self.assertEqual(list(Placement.objects.get(slug="breakfast").fallbacks), ["trending"])

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
