"""The rule editor's live preview, reach and conflicts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.urls import reverse

from recommender import availability, rulebook, serve, state, steering
from recommender.models import Rule, ServedList
from recsite.dashboard.components import Submit
from recsite.dashboard.pages import rule_entries
from recsite.dashboard.shop import read_shop
from tests.dashboard.test_rule import TEA_FIRST, RuleCase
from tests.goods import make_products


class PreviewTest(RuleCase):
    def test_it_is_what_the_api_answers_once_the_rule_is_live(self) -> None:
        for shopper in ("", "s1"):
            for changes in (
                {},
                {"verb": "exclude"},
                {"verb": "only", "products": [], "categories": ["Drinks > Coffee"]},
                {"verb": "boost", "strength": "strong", "products": [], "brands": ["Brand 2"]},
                {"verb": "spread", "limit": "1", "by": "brand", "products": []},
            ):
                with self.subTest(changes, shopper=shopper):
                    made = self.build(preview_shopper=shopper, **changes)
                    wording = rule_entries.read(self.entries(**changes), read_shop()).wording
                    self.make(wording, live=True)
                    answer = serve.recommend(serve.Request(shopper=shopper or None, record=False))
                    self.assertEqual(self.tiles(made), [item.product for item in answer.items])
                    Rule.objects.all().delete()
                    steering.publish()

    def test_moves_compare_with_the_list_without_the_rule(self) -> None:
        made = self.build(products="p20", position="1")
        assert made.trial.tiles
        self.assertEqual([card.move.kind for card in made.trial.tiles.cards if card.move][:2], ["new", "down"])
        self.assertTrue(made.trial.tiles.cards[0].selected)
        self.assertIn("Leaves the list: ", made.trial.leaves)
        self.assertIn("without this rule it would be at rank", made.trial.trace.without)

    def test_it_looks_at_the_rules_own_start(self) -> None:
        start = datetime.now(UTC) + timedelta(days=7)
        made = self.build(starts_at=f"{start:%Y-%m-%dT%H:%M}")
        self.assertEqual(self.tiles(made)[1], "p20")
        now = self.build(starts_at=f"{start:%Y-%m-%dT%H:%M}", preview_at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M}")
        self.assertNotEqual(self.tiles(now)[1], "p20")
        self.assertEqual(now.trial.notices[-1].text, "It does not run at this moment: look at another time.")

    def test_why_nothing_moves_is_said(self) -> None:
        for changes, words in (
            ({"preview_placement": "similar"}, "It is not for Similar products."),
            ({"segments": "loyal", "preview_shopper": "s1"}, "It is for loyal shoppers; this one is"),
            ({"verb": "exclude", "products": "p23"}, "Nothing that it is for is in the list"),
        ):
            with self.subTest(changes):
                self.assertIn(words, self.build(None, **changes).trial.notices[-1].text)

    def test_a_new_visitor_is_looked_at_as_of_the_rules_segment(self) -> None:
        self.assertEqual(self.tiles(self.build(segments="loyal"))[1], "p20")
        self.assertNotEqual(self.tiles(self.build(segments="loyal", preview_segment="weekly"))[1], "p20")

    def test_a_rule_being_changed_is_not_there_twice(self) -> None:
        rule = self.make(live=True)
        made = self.build(rule, position="1", seen="2")
        self.assertEqual(self.tiles(made)[0], "p20")
        self.assertEqual(made.trial.notices, [])

    def test_a_conflict_is_named_while_one_edits(self) -> None:
        other = self.make(live=True)
        made = self.build(products="p3", name="Coffee first")
        notice = made.trial.notices[0]
        self.assertEqual(notice.title, "Two rules want position 2 on Home.")
        self.assertIn("“Tea first” runs first and gets it", notice.text)
        first = notice.actions[0]
        assert isinstance(first, Submit)
        self.assertEqual((first.name, first.value), ("fix", "position:3"))
        self.assertEqual(notice.actions[-1].href, reverse("rule", args=[other.pk]))  # type: ignore[attr-defined]
        assert made.trial.tiles
        self.assertEqual([card.key for card in made.trial.tiles.cards if card.conflict], ["p20"])

    def test_a_pin_behind_the_end_of_the_list_is_named_with_its_last_position(self) -> None:
        answer = self.client.post(reverse("rule-new"), self.entries(position="15", do="try"))
        self.assertContains(answer, "No list is so long on Home.")
        self.assertContains(answer, "pins to position 15, but Home shows 10")
        self.assertContains(answer, 'value="position:10"')

    def test_its_button_changes_the_entries_alone(self) -> None:
        self.make(live=True)
        made = self.build(products="p3", name="Coffee first", fix="position:3")
        self.assertEqual((made.fields.position, made.trial.notices), ("3", []))
        self.assertEqual(Rule.objects.count(), 1)

    def test_htmx_gets_the_part_and_nothing_is_written(self) -> None:
        answer = self.client.post(reverse("rule-new"), self.entries().dict(), headers={"HX-Request": "true"})
        self.assertContains(answer, 'id="rule-side"')
        self.assertNotContains(answer, "<html")
        self.assertFalse(Rule.objects.exists())
        self.assertFalse(ServedList.objects.exists())

    def test_reach_is_counted_over_the_lists_that_were_served(self) -> None:
        ids = [row.pk for row in make_products(12, prefix="q")]
        for number in range(4):
            ServedList.objects.create(
                recommendation_id=str(number), at=datetime.now(UTC), placement="home", products=ids[number : number + 8]
            )
        state.forget()
        availability.file().unlink(missing_ok=True)
        for changes, share in (
            ({"products": "q0", "position": "1"}, "75.0"),  # stands there in one of four
            ({"products": "nothing", "position": "1"}, "0.0"),  # no product could stand there
            ({"verb": "exclude", "products": "q2"}, "75.0"),
            ({"verb": "only", "products": [], "categories": ["Drinks > Tea"]}, "100.0"),
            ({"verb": "spread", "products": [], "limit": "8", "by": "brand"}, "0.0"),
        ):
            with self.subTest(changes):
                self.assertEqual(self.build(**changes).trial.reach.stats[1].value, share)

    def test_a_live_rule_is_counted_over_the_lists_from_before_it(self) -> None:
        rule = self.make(live=True)
        ids = [row.pk for row in make_products(12, prefix="q")]
        for number, hours in enumerate((-1, -2, 1)):
            at = datetime.now(UTC) + timedelta(hours=hours)
            ServedList.objects.create(recommendation_id=str(number), at=at, placement="home", products=ids)
        stat = self.build(rule, seen="2").trial.reach.stats[1]
        self.assertEqual((stat.value, stat.note), ("100.0", "of the newest 2 on Home from before it was live"))

    def test_what_it_did_stands_on_top_or_says_when_it_will(self) -> None:
        rule = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.assertIn("No list that it touched was shown", self.build(rule, seen="1").effect_note)
        later = datetime.now(UTC) + timedelta(days=7)
        waits = rulebook.create(wording=replace(TEA_FIRST, starts_at=later), by=self.person, live=True)
        made = self.build(waits, seen="1")
        self.assertIn("It starts on", made.effect_note)
        self.assertEqual((made.effect, made.effect_href), (None, ""))

    def test_without_lists_there_is_no_data(self) -> None:
        stats = self.build().trial.reach.stats
        self.assertEqual([stat.value for stat in stats], ["1", "no data", "no data"])
