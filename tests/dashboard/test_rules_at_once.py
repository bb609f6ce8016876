"""What is done to several rules at once, and to their order, from the list."""

from __future__ import annotations

from django.urls import reverse

from recommender.models import Rule
from recsite.dashboard.models import AuditEntry
from tests.dashboard.people import make_person
from tests.dashboard.test_rules import RulesCase


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
