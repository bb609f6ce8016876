from __future__ import annotations

from datetime import timedelta

from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recsite.dashboard import audit, roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages.settings.audit_log import action_words, detail_words
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import text_of
from tests.goods import make_products

AUDIT = "settings-audit"


class WordsTest(TestCase):
    def test_actions(self) -> None:
        self.assertEqual(action_words("key.create"), "Made a key")
        self.assertEqual(action_words("rule.go_live"), "Rule: go live")

    def test_only_what_differs_is_told(self) -> None:
        detail = {"before": {"weight": 1.0, "success": True}, "after": {"weight": 2.0, "success": True}, "undo": True}
        self.assertEqual(detail_words(detail), "weight 1.0 → 2.0 · undo yes")
        self.assertEqual(detail_words({"before": "merchandiser", "after": "admin"}), "merchandiser → admin")
        self.assertEqual(
            detail_words({"scopes": ["a", "b"], "origins": [], "kind": "secret"}), "scopes a, b · kind secret"
        )
        self.assertEqual(detail_words({}), "")


class AuditLogTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.admin, self.mara = make_person(roles.ADMIN), make_person(name="mara")
        self.client.force_login(self.admin)

    def page(self, **params: str) -> str:
        return self.client.get(reverse(AUDIT), params).content.decode()

    def csv(self, name: str) -> HttpResponse:
        return self.client.get(reverse(name), {"format": "csv"})  # type: ignore[return-value]

    def fill(self) -> None:
        audit.note(by=self.mara, action="rule.live", subject="rule 4", detail={"priority": 2})
        audit.note(by=self.admin, action="key.revoke", subject="Shop (sk_abcd…)")
        audit.note(by=None, action="person.log_in_failed", subject="mara")

    def test_empty(self) -> None:
        self.assertIn("Nothing was done yet", self.page())
        self.assertIn("nothing to check yet", self.page(check="1"))

    def test_filters_by_person_action_and_what(self) -> None:
        self.fill()
        for params, seen, unseen in (
            ({}, ("rule 4", "sk_abcd", "nobody logged in"), ()),
            ({"person": "mara"}, ("rule 4",), ("sk_abcd",)),
            ({"person": "–"}, ("nobody logged in",), ("rule 4",)),
            ({"action": "key.revoke"}, ("sk_abcd",), ("rule 4",)),
            ({"q": "RULE"}, ("rule 4",), ("sk_abcd",)),
            ({"person": "mara", "action": "key.revoke"}, ("Nobody did that",), ("rule 4",)),
        ):
            page = self.page(**params)
            for words in seen:
                self.assertIn(words, page, params)
            for words in unseen:
                self.assertNotIn(words, page, params)

    def test_filters_by_the_shop_s_day(self) -> None:
        self.fill()
        with self.settings(SHOP_TIME_ZONE="Pacific/Kiritimati"):  # 14 hours ahead
            today = (timezone.now() + timedelta(hours=14)).date()
            self.assertIn("rule 4", self.page(day=today.isoformat()))
            self.assertIn("Nobody did that", self.page(day=(today - timedelta(days=1)).isoformat()))
            self.assertIn("rule 4", self.page(day="someday"))

    def test_the_seals_are_checked_in_words(self) -> None:
        self.fill()
        self.assertIn("All 3 entries hold.", self.page(check="1"))
        second = AuditEntry.objects.order_by("id")[1]
        AuditEntry.objects.filter(pk=second.pk).update(subject="nothing")
        page = self.page(check="1")
        self.assertIn(f"broken at entry № {second.pk}", page)
        self.assertIn("1 entry before it hold", page)

    def test_csv_is_safe_to_open_and_noted_as_every_export(self) -> None:
        audit.note(by=self.mara, action="rule.live", subject="=HYPERLINK()")
        lines = text_of(self.csv(AUDIT)).splitlines()
        self.assertEqual(lines[0], "id,at,by,action,subject,detail,sha256")
        self.assertIn("data.export", lines[1])  # this one
        self.assertIn("'=HYPERLINK()", lines[2])
        make_products(2)
        text_of(self.csv("products"))
        self.assertEqual(
            list(AuditEntry.objects.filter(action="data.export").order_by("id").values_list("subject", "detail")),
            [
                ("audit-log.csv", {"address": "/settings/audit/?format=csv"}),
                ("products.csv", {"address": "/products/?format=csv"}),
            ],
        )

    def test_what_is_changed_in_the_admin_stands_here(self) -> None:
        self.admin.is_staff = self.admin.is_superuser = True
        self.admin.save()
        address = reverse("admin:behavior_eventtype_add")
        refused = {"name": "wish", "weight": "", "position": "100"}
        self.assertEqual(self.client.post(address, refused).status_code, 200)
        self.assertFalse(AuditEntry.objects.exists())
        self.assertEqual(self.client.post(address, refused | {"weight": "1"}).status_code, 302)
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.by, entry.action, entry.subject), (self.admin, "admin.change", address))

    def test_a_merchandiser_may_not(self) -> None:
        self.client.force_login(self.mara)
        self.assertEqual(self.client.get(reverse(AUDIT)).status_code, 403)
        self.assertEqual(self.client.get(reverse(AUDIT), {"format": "csv"}).status_code, 403)

    def test_the_query_count_does_not_grow_with_the_log(self) -> None:
        counts = []
        with stopped_clock():
            for number in range(2):
                for _ in range(1 + 60 * number):
                    audit.note(by=self.mara, action="rule.live")
                self.page()
                with CaptureQueriesContext(connection) as seen:
                    self.page()
                counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
        self.assertIn("51 – 62 of 62 entries", self.page(page="2"))
