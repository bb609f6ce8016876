"""The list of rules: order, filter, effects, CSV, history."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender import rulebook, state, steering
from recommender.models import FeedbackDay, Placement, Rule
from recommender.rulebook import Wording
from recsite.dashboard import roles
from recsite.dashboard.pages import rules as page
from recsite.dashboard.pages.rules import RulesPage
from recsite.dashboard.pages.rules_table import RuleLine
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.goods import make_history, make_products, make_shoppers

TEA_FIRST = Wording("Tea first", "pin", {"products": ["p20"]}, {"position": 1}, ("home",))
SOON = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)


class RulesCase(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        cache.clear()
        self.products = make_products(24)
        make_history(make_shoppers(4), self.products, weeks=3)
        steering.publish()
        state.forget()
        self.person = make_person()
        self.client.force_login(self.person)

    def make(self, name: str, verb: str = "exclude", *, live: bool = True, **fields: object) -> Rule:
        parameters = {"boost": {"factor": 2.0}, "bury": {"factor": 0.5}, "pin": {"position": 1}}.get(verb, {})
        wording = {"condition": {"brands": ["Brand 1"]}, "parameters": parameters, **fields}
        return rulebook.create(wording=Wording(name, verb, **wording), by=self.person, live=live)  # type: ignore[arg-type]

    def build(self, **params: str) -> RulesPage:
        return page.build(params, read_shop(), permissions=frozenset([roles.EDIT_RULES]))

    def lines(self, **params: str) -> list[RuleLine]:
        table = self.build(**params).table
        return list(table.lines) if table else []

    def post(self, name: str, *args: object, **data: object) -> str:
        """What the toast says afterwards."""
        answer = self.client.post(reverse(name, args=args), data, follow=True)
        self.assertEqual(answer.status_code, 200)
        return " ".join(str(message) for message in answer.context["messages"])


class TableTest(RulesCase):
    def test_rules_stand_in_running_order(self) -> None:
        for name, verb in (("a pin", "pin"), ("a bury", "bury"), ("a boost", "boost"), ("an only", "only")):
            self.make(name, verb, condition={"tags": [name]})
        self.make("an exclude", priority=1, condition={"tags": ["x"]})
        self.make("first of the lifts", "boost", priority=1, condition={"tags": ["y"]})
        self.assertEqual(
            [(line.order, line.name) for line in self.lines()],
            [
                ("1", "an only"),
                ("2", "an exclude"),
                ("3", "first of the lifts"),
                ("4", "a bury"),
                ("5", "a boost"),
                ("6", "a pin"),
            ],
        )

    def test_states(self) -> None:
        self.make("now")
        self.make("draft", live=False)
        self.make("soon", starts_at=SOON)
        over = self.make("over")
        Rule.objects.filter(pk=over.pk).update(ends_at=SOON - timedelta(days=9))
        rulebook.pause(rule_id=self.make("paused").pk, by=None)
        rulebook.end(rule_id=self.make("ended").pk, by=None)
        found = {line.name: line.state.text for line in self.lines(status="all")}
        self.assertEqual(
            found,
            {
                "now": "Live",
                "draft": "Draft",
                "soon": "Scheduled",
                "over": "Ended",
                "paused": "Paused",
                "ended": "Ended",
            },
        )
        self.assertEqual({line.name for line in self.lines()}, {"now", "draft", "soon", "paused"})
        self.assertEqual({line.name for line in self.lines(status="ended")}, {"over", "ended"})

    def test_filters(self) -> None:
        self.make("Bread away", placements=("home",))
        rulebook.create(wording=TEA_FIRST, by=make_person(name="ann"), live=True)
        for params, expected in (
            ({"q": "bread"}, {"Bread away"}),
            ({"q": "tea number 20"}, {"Tea first"}),  # by the name of a product
            ({"verb": "pin"}, {"Tea first"}),
            ({"placement": "similar"}, set()),
            ({"placement": "home"}, {"Bread away", "Tea first"}),
            ({"owner": str(self.person.pk)}, {"Bread away"}),
        ):
            with self.subTest(params):
                self.assertEqual({line.name for line in self.lines(**params)}, expected)

    def test_what_it_says_and_reaches(self) -> None:
        self.make("Away")
        (line,) = self.lines()
        self.assertEqual(line.says, "Never show products of brand Brand 1")
        self.assertEqual((line.where, line.when, line.reach), ("Everywhere", "Always", "8 products"))
        self.assertEqual(line.effect.text, "8 products left out")

    def test_no_rules_say_what_to_do(self) -> None:
        answer = self.client.get(reverse("rules"))
        self.assertContains(answer, "No rules yet.")
        self.assertContains(answer, "Pin a product for next week")
        self.assertContains(self.client.get(reverse("rules-history")), "Every change of a rule stands here")

    def test_a_filter_that_lets_nothing_through_says_so(self) -> None:
        self.make("Away")
        self.assertContains(self.client.get(reverse("rules"), {"q": "xyz"}), "No rule is like this")


class EffectTest(RulesCase):
    def show(self, rule: Rule, *, shown: int, clicked: int, others: tuple[int, int]) -> None:
        day = {"day": datetime.now(UTC).date(), "source": "simulator", "placement": "home"}
        all_shown, all_clicked = shown + others[0], clicked + others[1]
        FeedbackDay.objects.create(**day, dimension="all", lists=500, served=5000, shown=all_shown, clicked=all_clicked)
        FeedbackDay.objects.create(
            **day, dimension="rule", key=str(rule.pk), lists=100, served=100, shown=shown, clicked=clicked
        )

    def test_the_click_rate_beside_the_other_products(self) -> None:
        rule = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.show(rule, shown=1000, clicked=200, others=(4000, 200))
        (line,) = self.lines()
        self.assertEqual(line.effect.text, "Click rate 20.0\u2009% (17.6 – 22.6)")
        assert line.effect.change
        assert line.effect.badge
        self.assertEqual((line.effect.change.sign, line.effect.change.text), ("▲", "15.0\u2009pt"))
        self.assertEqual(line.effect.badge.text, "simulated")
        self.assertEqual((line.reach, line.share), ("1 product", "20\u2009% of lists"))

    def test_within_the_noise(self) -> None:
        rule = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.show(rule, shown=400, clicked=21, others=(4000, 200))
        change = self.lines()[0].effect.change
        self.assertEqual(change and change.sign, "≈")

    def test_too_few_is_no_rate(self) -> None:
        rule = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.show(rule, shown=299, clicked=30, others=(4000, 200))
        self.assertEqual(self.lines()[0].effect.text, "too few to judge")

    def test_nothing_shown_is_no_data_and_a_draft_was_not_live(self) -> None:
        rulebook.create(wording=TEA_FIRST, by=self.person, live=True)
        self.make("Not yet", live=False, condition={"products": ["p3"]})
        self.assertEqual({line.name: line.effect.text for line in self.lines()}["Tea first"], "no data")
        self.assertEqual({line.name: line.effect.text for line in self.lines()}["Not yet"], "Not live yet")


class OtherAnswersTest(RulesCase):
    def test_csv(self) -> None:
        self.make("=SUM(A1)", note="agreed")
        answer = self.client.get(reverse("rules"), {"format": "csv"})
        text = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
        (row,) = csv.DictReader(io.StringIO(text))
        self.assertEqual(row["name"], "'=SUM(A1)")
        self.assertEqual((row["verb"], row["state"], row["products"], row["shown"]), ("exclude", "live", "8", ""))
        self.assertEqual(row["rule"], "Never show products of brand Brand 1 everywhere, for everyone")

    def test_history_tells_who_did_what(self) -> None:
        rule = self.make("Away")
        rulebook.pause(rule_id=rule.pk, by=make_person(name="ann"))
        answer = self.client.get(reverse("rules-history"))
        self.assertContains(answer, "ann")
        self.assertContains(answer, "paused")
        self.assertContains(answer, "went live")
        self.assertContains(answer, "made: Never show products of brand Brand 1 everywhere, for everyone")

    def test_terms_are_found_with_their_products(self) -> None:
        for of, q, expected in (("categories", "tea", "Drinks › Tea"), ("brands", "brand 1", "Brand 1")):
            answer = self.client.get(reverse("rule-terms"), {"of": of, "q": q, "id": "box"})
            self.assertContains(answer, f'data-text="{expected}"')
        self.assertContains(self.client.get(reverse("rule-terms"), {"of": "tags", "q": "x"}), "No tag is called")

    def test_every_role_sees_it(self) -> None:
        self.make("Away")
        for role in (roles.MERCHANDISER, roles.ADMIN):
            self.client.force_login(make_person(role, name=f"a {role}"))
            self.assertContains(self.client.get(reverse("rules")), "Never show products of brand Brand 1")

    @stopped_clock()
    def test_the_query_count_does_not_grow_with_the_list(self) -> None:
        counts = []
        for more in (2, 12):
            for number in range(more):
                self.make(f"rule {more} {number}", "boost", condition={"products": [f"p{number}"]})
            steering.publish()
            state.forget()
            self.client.get(reverse("rules"))
            with CaptureQueriesContext(connection) as seen:
                self.client.get(reverse("rules"))
            counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])


class StrictAndGoneTest(RulesCase):
    def test_a_strict_spread_is_solved_by_the_limit_that_fills_the_list(self) -> None:
        spread = self.make(
            "One a brand", "spread", condition={}, parameters={"limit": 1, "by": "brand"}, placements=("home",)
        )
        (notice,) = self.build().conflicts
        self.assertTrue(notice.title.startswith("A spread leaves lists short on Home"), notice.title)
        fix = notice.actions[0]
        self.assertEqual(fix.label, "Let 4 of one brand stay")  # type: ignore[attr-defined]
        self.assertIn("solved", self.post("rule-fix", spread.pk, **fix.fields))  # type: ignore[attr-defined]
        self.assertEqual(self.build().conflicts, [])

    def test_a_deleted_placement_is_said_in_the_list_and_in_the_editor(self) -> None:
        Placement.objects.create(slug="old-slot", title="Old slot", strategy="popular")
        rule = self.make("Gone", "pin", condition={"products": ["p3"]}, placements=("home", "old-slot"))
        Placement.objects.get(slug="old-slot").delete()
        (line,) = self.lines()
        self.assertEqual(line.where, "Home, old-slot (deleted)")
        (notice,) = self.build().conflicts
        self.assertEqual(notice.title, "This rule is for a placement that is no more.")
        editor = self.client.get(reverse("rule", args=[rule.pk]))
        self.assertContains(editor, "old-slot (deleted)")
        self.assertContains(editor, "This rule is for a placement that is no more.")
        self.post("rule-fix", rule.pk, **notice.actions[0].fields)  # type: ignore[attr-defined]
        self.assertEqual(Rule.objects.get(pk=rule.pk).placements, ["home"])
