"""Conflicts above the list of rules: what solves them, and what somebody means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from django.urls import reverse

from recommender import rulebook
from recommender.models import AcceptedOverlap, Placement, Rule
from recommender.rulebook import Wording
from recsite.dashboard import findings, navigation
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import rules as page
from recsite.dashboard.shop import read_shop
from tests.dashboard.test_rules import SOON, TEA_FIRST, RulesCase


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
