"""What the rule editor saves, refuses and takes back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.urls import reverse

from recommender import rulebook, serve
from recommender.models import Rule, RuleVersion
from recommender.rulebook import wording_of
from recsite.dashboard.models import AuditEntry
from tests.dashboard.people import make_person
from tests.dashboard.test_rule import TEA_FIRST, RuleCase


class SavingTest(RuleCase):
    def send(self, rule: Rule | None = None, **changes: object) -> object:
        url = reverse("rule", args=[rule.pk]) if rule else reverse("rule-new")
        data = dict(self.entries(**changes).lists())
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(url, data)

    def toast(self, rule: Rule) -> object:
        return next(iter(self.client.get(reverse("rule", args=[rule.pk])).context["messages"]))

    def test_a_draft_then_live_then_undone(self) -> None:
        answer = self.send(do="save")
        rule = Rule.objects.get()
        self.assertRedirects(answer, reverse("rule", args=[rule.pk]), fetch_redirect_response=False)  # type: ignore[arg-type]
        self.assertEqual((rule.status, rule.owner, wording_of(rule)), ("draft", self.person, TEA_FIRST))
        self.send(rule, do="live", seen=rule.version)
        rule.refresh_from_db()
        self.assertEqual(rule.status, "live")
        self.assertEqual(serve.recommend(serve.Request(record=False)).items[1].product, "p20")
        with self.captureOnCommitCallbacks(execute=True):
            self.client.post(reverse("rule-undo", args=[rule.pk, rule.version]))
        rule.refresh_from_db()
        self.assertEqual(rule.status, "draft")
        self.assertNotEqual(serve.recommend(serve.Request(record=False)).items[1].product, "p20")
        self.assertEqual(
            list(AuditEntry.objects.order_by("id").values_list("action", flat=True)),
            ["rule.create", "rule.live", "rule.undo"],
        )

    def test_the_toast_says_since_when_and_has_its_way_back(self) -> None:
        self.send(do="live")
        rule = Rule.objects.get()
        toast = self.toast(rule)
        self.assertRegex(str(toast), r"^“Tea first” is live since \d\d:\d\d:\d\d\.$")
        self.assertEqual(toast.extra_tags, f"undo:{reverse('rule-undo', args=[rule.pk, 2])}")  # type: ignore[attr-defined]

    def test_what_is_scheduled_says_when_it_starts(self) -> None:
        start = datetime.now(UTC) + timedelta(days=7)
        self.send(do="live", starts_at=f"{start:%Y-%m-%dT%H:%M}")
        self.assertIn("goes live on ", str(self.toast(Rule.objects.get())))

    def test_a_name_is_made_where_none_was_given(self) -> None:
        self.send(do="save", name="")
        self.assertEqual(Rule.objects.get().name, "Pin Tea number 20 to position 2")

    def test_refusals_keep_the_entries(self) -> None:
        for changes, words in (
            ({"position": "11"}, "expected at most 10"),
            ({"position": "first"}, "received “first”"),
            ({"products": []}, "Which products?"),
            ({"placements": "attic"}, "received attic"),
            ({"starts_at": "2026-12-02T00:00", "ends_at": "2026-12-01T00:00"}, "The end must come after the start."),
            ({"verb": "boost", "strength": "own", "factor": "0"}, "received 0"),
            ({"verb": "boost", "strength": "own", "factor": ""}, "expected a number above 0"),
        ):
            with self.subTest(changes):
                answer = self.send(do="live", note="all of this stays", **changes)
                self.assertContains(answer, words, status_code=422)  # type: ignore[arg-type]
                self.assertContains(answer, "all of this stays", status_code=422)  # type: ignore[arg-type]
        self.assertFalse(Rule.objects.exists())

    def test_somebody_elses_change_is_said_and_nothing_is_lost(self) -> None:
        rule = self.make()
        rulebook.change(rule_id=rule.pk, seen=1, wording=replace(TEA_FIRST, note="theirs"), by=make_person(name="ann"))
        answer = self.send(rule, do="save", seen=1, note="mine")
        self.assertContains(answer, "ann changed this rule while you edited it.", status_code=409)  # type: ignore[arg-type]
        self.assertContains(answer, ">mine</textarea>", status_code=409)  # type: ignore[arg-type]
        self.assertEqual(Rule.objects.get().note, "theirs")
        self.send(rule, do="save", seen=2, note="mine")  # knowing of it, one may
        self.assertEqual(Rule.objects.get().note, "mine")

    def test_a_live_rule_is_changed_at_once(self) -> None:
        rule = self.make(live=True)
        self.send(rule, do="save", seen=2, position="1")
        self.assertEqual(serve.recommend(serve.Request(record=False)).items[0].product, "p20")
        self.assertIn("is changed", str(self.toast(rule)))

    def test_an_older_version_is_restored(self) -> None:
        rule = self.make(live=True)
        rulebook.change(rule_id=rule.pk, seen=2, wording=replace(TEA_FIRST, name="Other"), by=self.person)
        self.client.post(reverse("rule-do", args=[rule.pk]), {"do": "restore", "version": "2"})
        rule.refresh_from_db()
        self.assertEqual((rule.name, rule.status, rule.version), ("Tea first", "live", 4))
        self.client.post(reverse("rule-do", args=[rule.pk]), {"do": "restore", "version": "99"})
        self.assertEqual(RuleVersion.objects.filter(rule=rule).count(), 4)

    def test_undo_is_refused_after_a_later_change(self) -> None:
        rule = self.make(live=True)
        rulebook.pause(rule_id=rule.pk, by=make_person(name="ann"))
        answer = self.client.post(reverse("rule-undo", args=[rule.pk, 2]), follow=True)
        self.assertIn("ann changed “Tea first” meanwhile", str(next(iter(answer.context["messages"]))))

    def test_deleting_asks_first_and_takes_drafts_only(self) -> None:
        draft, live = self.make(), self.make(live=True)
        self.assertContains(self.client.get(reverse("rule-delete", args=[draft.pk])), "go for good")
        self.assertTrue(Rule.objects.filter(pk=draft.pk).exists())
        for rule in (draft, live):
            self.client.post(reverse("rule-delete", args=[rule.pk]))
        self.assertEqual(list(Rule.objects.all()), [live])
