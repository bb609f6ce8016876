"""The list of rules: order, filter, conflicts and what solves them, several at once, CSV, history."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.db import connection
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recommender import rulebook, state, steering
from recommender.models import AcceptedOverlap, FeedbackDay, Placement, Rule
from recommender.rulebook import Wording
from recsite.dashboard import findings, navigation, roles
from recsite.dashboard.models import AuditEntry
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


class ConflictTest(RulesCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = rulebook.create(wording=TEA_FIRST, by=self.person, live=True)

    def clash(self, *, live: bool = True, **fields: object) -> Rule:
        wording = {"condition": {"products": ["p3"]}, "parameters": {"position": 1}, "placements": ("home",), **fields}
        return rulebook.create(wording=Wording("Coffee first", "pin", **wording), by=self.person, live=live)  # type: ignore[arg-type]

    def test_it_names_both_rules_the_place_the_dates_and_who_wins(self) -> None:
        self.clash(starts_at=SOON, ends_at=SOON + timedelta(days=7))
        (notice,) = self.build().conflicts
        self.assertTrue(notice.title.startswith("Two rules want position 1 on Home from "))
        self.assertIn("“Tea first” runs first and gets it", notice.text)
        labels = [action.label for action in notice.actions]  # type: ignore[attr-defined]
        self.assertEqual(labels, ["Move “Coffee first” to position 2", "Let “Coffee first” win", "Pause “Tea first”"])
        self.assertEqual(len([line for line in self.lines() if line.in_conflict]), 2)

    def test_each_button_solves_it(self) -> None:
        other = self.clash()
        for do, value in (("position", "2"), ("priority", "49")):
            self.assertTrue(self.build().conflicts)
            other.refresh_from_db()
            text = self.post("rule-fix", other.pk, do=do, value=value, seen=other.version)
            self.assertIn("the conflict is solved", text)
            found = self.build().conflicts
            if do == "position":
                self.assertEqual(found, [])
                self.client.post(reverse("rule-undo", args=[other.pk, other.version + 1]))
            else:  # the winner changed, which is what was asked for; both still want the place
                self.assertIn("“Coffee first” runs first", found[0].text)

    def test_waiting_for_the_other_to_end(self) -> None:
        Rule.objects.filter(pk=self.first.pk).update(ends_at=SOON)
        other = self.clash()
        labels = [action.label for action in self.build().conflicts[0].actions]  # type: ignore[attr-defined]
        self.assertTrue(any(label.startswith("Start “Coffee first” on ") for label in labels), labels)
        self.post("rule-fix", other.pk, do="start", value=SOON.isoformat(), seen=other.version)
        self.assertEqual(self.build().conflicts, [])

    def test_too_few_left_is_solved_by_leaving_the_placement_out(self) -> None:
        only = self.make("Only two", "only", condition={"products": ["p20", "p2"]})
        notices = [notice for notice in self.build().conflicts if "Too few" in notice.title]
        self.assertEqual(len(notices), Placement.objects.count())
        self.post("rule-fix", only.pk, do="leave", value="similar", seen=only.version)
        self.assertEqual(Rule.objects.get(pk=only.pk).placements, ["similar"])

    def test_the_navigation_counts_those_of_live_rules(self) -> None:
        draft = self.clash(live=False)
        self.build()
        self.assertEqual(navigation.counts()["rules"], 0)
        rulebook.go_live(rule_id=draft.pk, by=None)
        self.build()
        self.assertEqual(navigation.counts()["rules"], 1)

    def test_a_paused_rule_is_in_nobodys_way(self) -> None:
        rulebook.pause(rule_id=self.clash().pk, by=None)
        self.assertEqual(self.build().conflicts, [])

    def test_who_may_not_edit_may_only_look(self) -> None:
        self.clash()
        made = page.build({}, read_shop(), permissions=frozenset())
        self.assertTrue(all(not action.post for action in made.conflicts[0].actions))  # type: ignore[attr-defined]
        self.assertFalse(made.table and made.table.can_edit)

    def test_a_fix_of_what_was_changed_meanwhile_changes_nothing(self) -> None:
        other = self.clash()
        text = self.post("rule-fix", other.pk, do="position", value="2", seen=other.version - 1)
        self.assertIn("meanwhile", text)
        self.assertIn("Nothing was changed", self.post("rule-fix", other.pk, do="dance", seen=other.version))


class DoingTest(RulesCase):
    def test_moving_up_and_back(self) -> None:
        self.make("first", priority=10)
        second = self.make("second", priority=20, condition={"tags": ["a"]})
        self.assertEqual(self.post("rule-move", second.pk, "up"), "“second” now runs before “first”.")
        self.assertEqual([line.name for line in self.lines()], ["second", "first"])
        self.post("rule-move", second.pk, "down")
        self.assertEqual([line.name for line in self.lines()], ["first", "second"])

    def test_ends_of_a_step_have_one_button(self) -> None:
        for number in range(3):
            self.make(f"rule {number}", priority=number + 1)
        self.assertEqual([(line.up, line.down) for line in self.lines()], [(False, True), (True, True), (True, False)])

    def test_several_at_once_and_back(self) -> None:
        rules = [self.make("a"), self.make("b"), self.make("draft", live=False)]
        answer = self.client.post(reverse("rules-bulk", args=["pause"]), {"rule": [rule.pk for rule in rules]})
        self.assertEqual(Rule.objects.filter(status="paused").count(), 2)
        toast = next(iter(self.client.get(answer["Location"]).context["messages"]))
        self.assertEqual(str(toast), "2 rules paused; 1 could not be.")
        self.client.post(toast.extra_tags.removeprefix("undo:"))
        self.assertEqual(Rule.objects.filter(status="live").count(), 2)

    def test_nothing_chosen_is_said(self) -> None:
        self.assertIn("No rule was chosen", self.post("rules-bulk", "pause"))

    def test_who_may_not_edit_is_refused(self) -> None:
        rule = self.make("a")
        onlooker = make_person("", name="onlooker")
        self.client.force_login(onlooker)
        for name, args in (
            ("rules-bulk", ["pause"]),
            ("rule-move", [rule.pk, "up"]),
            ("rule-fix", [rule.pk]),
            ("rule-do", [rule.pk]),
            ("rule-undo", [rule.pk, 1]),
            ("rule-delete", [rule.pk]),
        ):
            with self.subTest(name):
                self.assertEqual(self.client.post(reverse(name, args=args)).status_code, 403)

    def test_every_write_is_in_the_audit_log(self) -> None:
        rule = self.make("a", live=False)
        for do in ("live", "pause", "resume", "end"):
            self.post("rule-do", rule.pk, do=do)
        found = list(AuditEntry.objects.order_by("id").values_list("action", "subject", "by_name"))
        self.assertEqual(
            found,
            [(f"rule.{do}", f"rule {rule.pk}", "merchandiser") for do in ("live", "pause", "resume", "end")],
        )

    def test_what_a_rule_does_not_admit_is_said(self) -> None:
        rule = self.make("a", live=False)
        self.assertIn("Nothing was changed: It is draft already", self.post("rule-do", rule.pk, do="pause"))
        self.assertEqual(self.client.post(reverse("rule-do", args=[rule.pk]), {"do": "dance"}).status_code, 400)


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


class OverlapTest(RulesCase):
    """Two boosts of one brand: a remark that may be meant."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = self.make("Half term", "boost"), self.make("Own brand", "boost")
        self.ids = f"{self.first.pk}-{self.second.pk}"

    def test_it_is_accepted_shown_as_such_and_named_again(self) -> None:
        (notice,) = self.build().conflicts
        self.assertEqual((notice.tone, navigation.counts()["rules"]), ("warn", 1))
        self.assertIn("It is meant so", [action.label for action in notice.actions])  # type: ignore[attr-defined]
        text = self.post("overlap-accept", "overlapping_boosts", self.ids)
        self.assertIn("meant so", text)
        (notice,) = self.build().conflicts
        self.assertEqual((notice.tone, navigation.counts()["rules"]), ("grey", 0))
        self.assertIn(f"Accepted as meant by {self.person.get_username()}", notice.text)
        self.assertFalse(any(line.in_conflict for line in self.lines()))
        self.assertFalse(list(findings._conflicts(None)))
        self.post("overlap-withdraw", "overlapping_boosts", self.ids)
        self.assertEqual(self.build().conflicts[0].tone, "warn")
        told = AuditEntry.objects.filter(subject__startswith="rules ").order_by("pk")
        self.assertEqual([entry.action for entry in told], ["rule.accept", "rule.accept_end"])

    def test_it_lapses_once_a_rule_moves_something_else(self) -> None:
        self.post("overlap-accept", "overlapping_boosts", self.ids)
        wording = rulebook.wording_of(Rule.objects.get(pk=self.second.pk))
        renamed = replace(wording, name="Our own brand", note="as agreed")
        rulebook.change(rule_id=self.second.pk, seen=self.second.version, wording=renamed, by=self.person)
        self.assertEqual(self.build().conflicts[0].tone, "grey")
        stronger = replace(renamed, parameters={"factor": 4.0})
        rulebook.change(rule_id=self.second.pk, seen=self.second.version + 1, wording=stronger, by=self.person)
        self.assertEqual(self.build().conflicts[0].tone, "warn")

    def test_the_editor_says_it_was_meant(self) -> None:
        self.post("overlap-accept", "overlapping_boosts", self.ids)
        self.assertContains(self.client.get(reverse("rule", args=[self.second.pk])), "Accepted as meant by")

    def test_what_cannot_be_accepted(self) -> None:
        self.assertIn("expected one of overlapping_boosts", self.post("overlap-accept", "same_position", self.ids))
        self.assertIn("two rules that exist", self.post("overlap-accept", "overlapping_boosts", "8888-9999"))
        self.assertEqual(
            self.client.get(reverse("overlap-accept", args=["overlapping_boosts", self.ids])).status_code, 405
        )
        self.person.groups.clear()
        for name in ("overlap-accept", "overlap-withdraw"):
            address = reverse(name, args=["overlapping_boosts", self.ids])
            self.assertEqual(self.client.post(address).status_code, 403)
        self.assertFalse(AcceptedOverlap.objects.exists())


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
