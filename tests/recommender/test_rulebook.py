"""Rules as people write them: what may stand, what each write leaves behind, what can be taken back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.test import SimpleTestCase, TestCase

from recommender import rulebook, serve, state, steering, store
from recommender.models import Rule, RuleVersion
from recommender.rulebook import Changed, NotAllowed, Refused, Wording, wording_of
from recsite.testing import CommittedCase, open_new_shop
from tests.dashboard.people import make_person
from tests.goods import make_history, make_products, make_shoppers

MILK = Wording("Tea first", "pin", {"products": ["p20"]}, {"position": 2}, ("home",))


class RulebookCase(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        self.person = make_person()

    def draft(self, wording: Wording = MILK) -> Rule:
        return rulebook.create(wording=wording, by=self.person)


class CheckTest(RulebookCase):
    def test_every_refusal_names_its_field(self) -> None:
        start = datetime(2026, 12, 1, tzinfo=UTC)
        for field, wording in (
            ("name", replace(MILK, name="  ")),
            ("name", replace(MILK, name="x" * 121)),
            ("condition", replace(MILK, condition={})),
            ("price_min", replace(MILK, condition={"price_min": "cheap"})),
            ("position", replace(MILK, parameters={"position": 0})),
            ("position", replace(MILK, parameters={"position": 11})),
            ("position", replace(MILK, parameters={"position": 11}, placements=())),
            ("factor", replace(MILK, verb="boost", parameters={"factor": -2})),
            ("strength", replace(MILK, verb="bury", parameters={"strength": "mighty"})),
            ("limit", replace(MILK, verb="spread", parameters={"limit": 0})),
            ("ends_at", replace(MILK, starts_at=start, ends_at=start)),
            ("placements", replace(MILK, placements=("home", "attic"))),
            ("priority", replace(MILK, priority=0)),
            ("verb", replace(MILK, verb="shout")),
        ):
            with self.subTest(field, wording=wording), self.assertRaises(Refused) as refused:
                rulebook.check(wording)
            self.assertIn(field, refused.exception.errors)
        rulebook.check(MILK)

    def test_it_says_what_was_expected_and_what_came(self) -> None:
        with self.assertRaises(Refused) as refused:
            rulebook.check(replace(MILK, parameters={"position": 11}))
        words = refused.exception.errors["position"]
        self.assertEqual(words, "Position: expected at most 10 (10 products in home), received 11.")


class WritingTest(RulebookCase):
    def test_a_draft_has_its_first_version_and_an_owner(self) -> None:
        rule = self.draft()
        self.assertEqual((rule.status, rule.version, rule.owner), ("draft", 1, self.person))
        kept = RuleVersion.objects.get(rule=rule)
        self.assertEqual((kept.version, kept.by, kept.wording["status"]), (1, self.person, "draft"))
        self.assertEqual(Wording.from_dict(kept.wording), MILK)

    def test_a_change_keeps_the_old_wording(self) -> None:
        rule = self.draft()
        start = datetime(2026, 12, 1, 8, tzinfo=UTC)
        rulebook.change(rule_id=rule.pk, seen=1, wording=replace(MILK, starts_at=start), by=self.person)
        versions = dict(RuleVersion.objects.filter(rule=rule).values_list("version", "wording"))
        self.assertIsNone(versions[1]["starts_at"])
        self.assertEqual(Wording.from_dict(versions[2]).starts_at, start)

    def test_saving_what_is_there_writes_nothing(self) -> None:
        rule = self.draft()
        rulebook.change(rule_id=rule.pk, seen=1, wording=MILK, by=self.person)
        self.assertEqual(RuleVersion.objects.filter(rule=rule).count(), 1)

    def test_an_older_version_is_not_written_over_a_newer_one(self) -> None:
        rule = self.draft()
        rulebook.change(rule_id=rule.pk, seen=1, wording=replace(MILK, note="mine"), by=self.person)
        with self.assertRaises(Changed) as refused:
            rulebook.change(rule_id=rule.pk, seen=1, wording=replace(MILK, note="yours"), by=None)
        self.assertEqual((refused.exception.by, refused.exception.rule.note), ("merchandiser", "mine"))

    def test_draft_live_paused_live_ended(self) -> None:
        rule = self.draft()
        for do, status in (
            (rulebook.go_live, "live"),
            (rulebook.pause, "paused"),
            (rulebook.resume, "live"),
            (rulebook.end, "ended"),
        ):
            rule = do(rule_id=rule.pk, by=self.person)
            self.assertEqual(rule.status, status)
        self.assertEqual(rule.version, 5)
        self.assertIsNotNone(rule.went_live_at)

    def test_what_a_state_does_not_admit(self) -> None:
        rule = self.draft()
        for do in (rulebook.pause, rulebook.resume, rulebook.end):
            with self.subTest(do), self.assertRaises(NotAllowed):
                do(rule_id=rule.pk, by=self.person)

    def test_a_rule_that_no_longer_stands_does_not_go_live(self) -> None:
        rule = self.draft()
        Rule.objects.filter(pk=rule.pk).update(placements=["attic"])
        with self.assertRaises(Refused):
            rulebook.go_live(rule_id=rule.pk, by=self.person)

    def test_only_a_draft_is_deleted(self) -> None:
        rule = rulebook.create(wording=MILK, by=self.person, live=True)
        with self.assertRaises(NotAllowed):
            rulebook.delete_draft(rule_id=rule.pk)
        rulebook.undo(rule_id=rule.pk, version=rule.version, by=self.person)
        rulebook.delete_draft(rule_id=rule.pk)
        self.assertFalse(Rule.objects.exists())


class UndoTest(RulebookCase):
    def test_going_live_taken_back_is_the_draft(self) -> None:
        rule = rulebook.create(wording=MILK, by=self.person, live=True)
        self.assertEqual((rule.status, rule.version), ("live", 2))
        rule = rulebook.undo(rule_id=rule.pk, version=2, by=self.person)
        self.assertEqual((rule.status, rule.version), ("draft", 3))

    def test_a_wording_taken_back(self) -> None:
        rule = self.draft()
        rulebook.change(rule_id=rule.pk, seen=1, wording=replace(MILK, parameters={"position": 1}), by=self.person)
        rule = rulebook.undo(rule_id=rule.pk, version=2, by=self.person)
        self.assertEqual(rule.parameters, {"position": 2})

    def test_not_over_what_was_done_since(self) -> None:
        rule = rulebook.create(wording=MILK, by=self.person, live=True)
        rulebook.pause(rule_id=rule.pk, by=self.person)
        with self.assertRaises(Changed):
            rulebook.undo(rule_id=rule.pk, version=2, by=self.person)
        with self.assertRaises(NotAllowed):
            rulebook.undo(rule_id=self.draft().pk, version=1, by=self.person)

    def test_a_rule_without_a_version_can_still_be_taken_back(self) -> None:
        rule = Rule.objects.create(name="Old", verb="exclude", condition={"brands": ["Brand 1"]}, status="live")
        paused = rulebook.pause(rule_id=rule.pk, by=self.person)
        self.assertEqual(rulebook.undo(rule_id=rule.pk, version=paused.version, by=self.person).status, "live")

    def test_any_version_is_restored(self) -> None:
        rule = self.draft()
        for position in (3, 4, 5):
            wording = replace(MILK, parameters={"position": position})
            rule = rulebook.change(rule_id=rule.pk, seen=rule.version, wording=wording, by=self.person)
        rule = rulebook.restore(rule_id=rule.pk, version=2, by=self.person)
        self.assertEqual((rule.parameters["position"], rule.version), (3, 5))


class ReorderTest(RulebookCase):
    def order(self) -> list[str]:
        return [row.name for row in sorted(Rule.objects.all(), key=lambda row: (row.priority, row.pk))]

    def make(self, name: str, priority: int, verb: str = "exclude") -> Rule:
        condition = {"brands": ["Brand 1"]}
        return self.draft(Wording(name, verb, condition, {"factor": 2.0} if verb == "boost" else {}, priority=priority))

    def test_two_change_places_and_keep_their_numbers(self) -> None:
        first, second = self.make("first", 5), self.make("second", 30)
        self.assertEqual(rulebook.reorder(rule_id=second.pk, step=-1, by=self.person), first)
        self.assertEqual(self.order(), ["second", "first"])
        self.assertEqual(sorted(Rule.objects.values_list("priority", flat=True)), [5, 30])

    def test_equal_priorities_are_given_anew(self) -> None:
        for name in ("a", "b", "c"):
            last = self.make(name, 50)
        rulebook.reorder(rule_id=last.pk, step=-1, by=self.person)
        self.assertEqual(self.order(), ["a", "c", "b"])

    def test_only_within_a_step_and_not_past_its_end(self) -> None:
        self.make("an exclude", 10)
        boost = self.make("a boost", 50, "boost")
        self.assertIsNone(rulebook.reorder(rule_id=boost.pk, step=-1, by=self.person))
        bury = self.draft(Wording("a bury", "bury", {}, {"factor": 0.5}, priority=60))
        self.assertEqual(rulebook.reorder(rule_id=bury.pk, step=-1, by=self.person), boost)


class ServingTest(RulebookCase):
    """After commit the next answer goes by it."""

    def setUp(self) -> None:
        super().setUp()
        make_history(make_shoppers(4), make_products(24), weeks=3)
        steering.publish()
        state.forget()

    def first(self, **request: object) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(record=False, **request)).items]  # type: ignore[arg-type]

    def test_live_paused_and_undone_change_the_next_answer(self) -> None:
        before = self.first()
        with self.captureOnCommitCallbacks(execute=True):
            rule = rulebook.create(wording=MILK, by=self.person, live=True)
        self.assertEqual(self.first()[1], "p20")
        with self.captureOnCommitCallbacks(execute=True):
            rulebook.undo(rule_id=rule.pk, version=rule.version, by=self.person)
        self.assertEqual(self.first(), before)

    def test_a_scheduled_rule_runs_from_its_start_on(self) -> None:
        start = datetime.now(UTC) + timedelta(days=7)
        with self.captureOnCommitCallbacks(execute=True):
            rulebook.create(wording=replace(MILK, starts_at=start), by=self.person, live=True)
        self.assertNotEqual(self.first()[1], "p20")
        self.assertEqual(self.first(as_of=start)[1], "p20")

    def test_a_save_while_redis_was_away_is_published_later(self) -> None:
        before = self.first()
        with self.settings(REDIS_URL="redis://127.0.0.1:1/0"), self.captureOnCommitCallbacks(execute=True):
            rulebook.create(wording=MILK, by=self.person, live=True)
        self.assertEqual(self.first(), before)
        steering.publish_missing()
        self.assertEqual(self.first()[1], "p20")
        held = store.versions()
        steering.publish_missing()
        self.assertEqual(store.versions(), held)  # nothing differs: nothing is published

    def test_wording_survives_the_way_through_the_row(self) -> None:
        rule = rulebook.create(wording=MILK, by=self.person)
        rule.refresh_from_db()
        self.assertEqual(wording_of(rule).to_dict(), MILK.to_dict())


class TwoAtOnceTest(CommittedCase):
    """Two people write at the same moment, each over a connection of their own."""

    def setUp(self) -> None:
        super().setUp()
        open_new_shop(self)

    def together(self, *acts: Callable[[], str]) -> list[str]:
        """What the acts return, sorted; an error of one is the test's."""
        barrier = threading.Barrier(len(acts))

        def run(act: Callable[[], str]) -> str:
            barrier.wait(10)
            try:
                return act()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(acts)) as pool:
            return sorted(pool.map(run, acts, timeout=60))

    def test_of_two_who_save_one_is_told_of_the_other(self) -> None:
        rule = rulebook.create(wording=MILK, by=None)

        def save(note: str) -> str:
            try:
                rulebook.change(rule_id=rule.pk, seen=1, wording=replace(MILK, note=note), by=None)
            except Changed:
                return "told"
            return "saved"

        self.assertEqual(self.together(lambda: save("mine"), lambda: save("yours")), ["saved", "told"])
        self.assertEqual(sorted(rule.versions.values_list("version", flat=True)), [1, 2])

    def test_two_who_reorder_wait_for_each_other(self) -> None:
        made = [
            rulebook.create(wording=Wording(name, "exclude", {"brands": [name]}), by=None) for name in ("a", "b", "c")
        ]

        def move(rule: Rule, step: int) -> str:
            for _ in range(5):
                rulebook.reorder(rule_id=rule.pk, step=step, by=None)
                step = -step
            return "moved"

        self.together(lambda: move(made[0], 1), lambda: move(made[2], -1))
        self.assertEqual(len(set(Rule.objects.values_list("priority", flat=True))), 3)


class PublishedTests(SimpleTestCase):
    def test_a_rule_that_cannot_be_read_leaves_the_others_in_force(self) -> None:
        good = {"id": 1, "verb": "exclude", "condition": {"products": ["p1"]}}
        faults: list[dict[str, object]] = [
            {"verb": "shout"}, {"condition": {}}, {"condition": {"price_min": "cheap"}}
        ]  # fmt: skip
        for bad in faults:
            with self.subTest(bad):
                read = steering.as_rules([{**good, "id": 2, **bad}, good])
                self.assertEqual([rule.id for rule in read], [1])
