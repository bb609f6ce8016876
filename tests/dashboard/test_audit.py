from __future__ import annotations

from django.test import TestCase

from recsite.dashboard import audit, roles
from recsite.dashboard.models import AuditEntry
from tests.dashboard.people import make_person


class AuditTest(TestCase):
    def setUp(self) -> None:
        self.person = make_person(roles.ADMIN)
        for number in range(3):
            audit.note(by=self.person, action="rule.live", subject=f"rule {number}", detail={"priority": number})

    def test_keeps_who_did_what(self) -> None:
        newest = AuditEntry.objects.first()
        assert newest is not None
        self.assertEqual(
            (newest.by_name, newest.action, newest.subject, newest.detail),
            (self.person.username, "rule.live", "rule 2", {"priority": 2}),
        )

    def test_an_untouched_chain_holds(self) -> None:
        self.assertEqual(audit.verify(), audit.Checked(3, None))

    def test_the_chain_outlives_the_person(self) -> None:
        self.person.delete()
        self.assertIsNone(audit.verify().broken_at)
        self.assertEqual(AuditEntry.objects.filter(by_name=self.person.username).count(), 3)

    def test_a_changed_entry_breaks_the_chain_at_its_place(self) -> None:
        second = AuditEntry.objects.order_by("id")[1]
        AuditEntry.objects.filter(pk=second.pk).update(subject="rule 9")
        self.assertEqual(audit.verify(), audit.Checked(1, second.pk))

    def test_a_removed_entry_breaks_the_chain(self) -> None:
        second, third = AuditEntry.objects.order_by("id")[1:]
        second.delete()
        self.assertEqual(audit.verify().broken_at, third.pk)
