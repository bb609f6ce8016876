from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from recsite.api import keys
from recsite.api.models import ApiKey
from recsite.dashboard import reauthentication, roles
from recsite.dashboard.models import AuditEntry
from recsite.testing import flush_redis
from tests.api.doors import start_afresh
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import PASSWORD, make_person

FORM = {"kind": "secret", "name": "Web shop", "scopes": ["events:write"], "form_id": "a1"}


class KeysCase(TestCase):
    def setUp(self) -> None:
        cache.clear()
        flush_redis()
        start_afresh()
        self.admin = make_person(roles.ADMIN)
        self.client.force_login(self.admin)
        self.give_password()

    def give_password(self) -> None:
        self.client.post(reverse("settings-password-again"), {"password": PASSWORD})

    def send(self, name: str, /, *args: object, **form: Any) -> HttpResponse:
        with self.captureOnCommitCallbacks(execute=True):
            return self.client.post(reverse(name, args=args), form)  # type: ignore[return-value]

    def make(self, **fields: Any) -> keys.NewKey:
        with self.captureOnCommitCallbacks(execute=True):
            return keys.create(**{"name": "Shop", "kind": "secret", "scopes": ["events:write"], **fields})

    def noted(self) -> list[str]:
        return list(AuditEntry.objects.filter(action__startswith="key.").values_list("action", flat=True))


class MakeTest(KeysCase):
    def test_the_key_is_shown_once_and_works(self) -> None:
        answer = self.send("settings-key-new", **FORM)
        (secret,) = set(re.findall(r"sk_[\w-]{43}", answer.content.decode()))
        found = keys.ring.find(secret)
        self.assertEqual(found and found.scopes, {"events:write"})
        self.assertIn("no-store", answer.headers["Cache-Control"])
        row = ApiKey.objects.get()
        self.assertEqual(row.created_by, self.admin)
        for later in (reverse("settings-keys"), reverse("settings-key", args=[row.pk])):
            self.assertNotContains(self.client.get(later), secret)
        self.assertNotIn(secret, str(list(AuditEntry.objects.values())) + str(dict(self.client.session)))
        self.assertEqual(self.noted(), ["key.create"])

    def test_loading_the_answer_again_makes_no_second_key(self) -> None:
        self.send("settings-key-new", **FORM)
        self.assertRedirects(self.send("settings-key-new", **FORM), reverse("settings-keys"))
        self.assertEqual(ApiKey.objects.count(), 1)

    def test_a_refused_form_keeps_what_was_typed(self) -> None:
        answer = self.send("settings-key-new", **FORM | {"scopes": []})
        self.assertContains(answer, "received none", status_code=422)
        self.assertContains(answer, 'value="Web shop"', status_code=422)
        page = {"kind": "publishable", "name": "Pages", "scopes": ["events:write"], "origins": "shop.example"}
        self.assertContains(self.send("settings-key-new", **page), "received “shop.example”", status_code=422)
        admin = page | {"scopes": ["admin"], "origins": ""}
        self.assertContains(self.send("settings-key-new", **admin), "received admin", status_code=422)
        self.assertFalse(ApiKey.objects.exists())
        self.assertEqual(self.noted(), [])

    def test_a_publishable_key_with_its_pages(self) -> None:
        origins = "https://shop.example/\nhttp://localhost:3000, https://shop.example"
        form = {"kind": "publishable", "name": "Pages", "scopes": ["events:write"], "origins": origins}
        self.assertContains(self.send("settings-key-new", **form), "pk_")
        self.assertEqual(ApiKey.objects.get().origins, ["https://shop.example", "http://localhost:3000"])


class LifeTest(KeysCase):
    def test_a_rotated_key_and_its_successor_are_both_let_in(self) -> None:
        old = self.make()
        answer = self.send("settings-key-rotate", old.row.pk, overlap="1d")
        (new,) = set(re.findall(r"sk_[\w-]{43}", answer.content.decode()))
        self.assertIsNotNone(keys.ring.find(new))
        self.assertIsNotNone(keys.ring.find(old.secret))
        old.row.refresh_from_db()
        assert old.row.expires_at
        self.assertAlmostEqual(old.row.expires_at, timezone.now() + timedelta(days=1), delta=timedelta(minutes=1))
        self.assertEqual(self.noted(), ["key.rotate"])

    def test_a_third_of_a_name_is_refused_in_words(self) -> None:
        old = self.make()
        self.make()
        answer = self.client.post(reverse("settings-key-rotate", args=[old.row.pk]), follow=True)
        self.assertContains(answer, "at most 2 live keys")
        self.assertEqual(self.noted(), [])

    def test_revoking_asks_for_the_first_letters(self) -> None:
        made = self.make()
        revoke = reverse("settings-key-revoke", args=[made.row.pk])
        self.assertContains(self.client.get(revoke), f"Type {made.row.prefix} to confirm")
        self.assertEqual(self.send("settings-key-revoke", made.row.pk, confirm="yes").status_code, 422)
        self.assertIsNotNone(keys.ring.find(made.secret))
        self.send("settings-key-revoke", made.row.pk, confirm=made.row.prefix)
        keys.ring.forget()  # as another process
        self.assertIsNone(keys.ring.find(made.secret))
        self.assertEqual(self.noted(), ["key.revoke"])
        self.assertContains(self.client.get(reverse("settings-key", args=[made.row.pk])), "revoked")
        self.assertEqual(self.client.get(revoke).status_code, 404)

    def test_neither_happens_without_its_entry(self) -> None:
        made = self.make()
        with patch("recsite.dashboard.audit.note", side_effect=RuntimeError), self.assertRaises(RuntimeError):
            self.send("settings-key-revoke", made.row.pk, confirm=made.row.prefix)
        self.assertTrue(keys.live().filter(pk=made.row.pk).exists())


class WhoTest(KeysCase):
    def test_the_password_is_asked_again_after_a_quarter_of_an_hour(self) -> None:
        made = self.make()
        later = reauthentication.time.time() + reauthentication.SECONDS + 1
        with patch.object(reauthentication.time, "time", return_value=later):
            for name, args in (("settings-key-new", []), ("settings-key-revoke", [made.row.pk])):
                answer = self.client.get(reverse(name, args=args))
                there = f"{reverse('settings-password-again')}?next="
                self.assertTrue(answer["Location"].startswith(there), answer["Location"])
            self.assertEqual(self.send("settings-key-new", **FORM).status_code, 302)
            self.assertEqual(self.client.get(reverse("settings-keys")).status_code, 200)
        self.assertEqual(ApiKey.objects.count(), 1)

    def test_a_merchandiser_sees_none_of_it(self) -> None:
        made = self.make()
        self.client.force_login(make_person())
        self.give_password()
        for name, args in (
            ("settings-keys", []),
            ("settings-key", [made.row.pk]),
            ("settings-key-new", []),
            ("settings-key-revoke", [made.row.pk]),
        ):
            self.assertEqual(self.client.get(reverse(name, args=args)).status_code, 403, name)
        self.assertEqual(self.send("settings-key-rotate", made.row.pk).status_code, 403)
        self.assertEqual(self.send("settings-key-new", **FORM).status_code, 403)

    def test_a_stranger_is_asked_to_log_in(self) -> None:
        self.client.logout()
        self.assertIn("/login/", self.client.get(reverse("settings-key-new"))["Location"])


class ListTest(KeysCase):
    def test_without_keys_it_says_what_one_is_for(self) -> None:
        self.assertContains(self.client.get(reverse("settings-keys")), "No keys yet")

    def test_each_says_what_it_may_and_whether_it_is_live(self) -> None:
        self.make(name="Gone", expires_at=timezone.now() - timedelta(days=1))
        self.make(name="Old", expires_at=timezone.now() + timedelta(days=1))
        self.make(name="New", by=self.admin)
        page = self.client.get(reverse("settings-keys")).content.decode()
        self.assertLess(page.index("New"), page.index("Gone"))
        for words in ("Post events", "by admin", "by manage.py", "no use seen", "ended", "until", "live"):
            self.assertIn(words, page)

    def test_the_query_count_does_not_grow_with_the_keys(self) -> None:
        counts = []
        with stopped_clock():
            for number in range(2):
                for extra in range(1 + 60 * number):
                    self.make(name=f"Key {number} {extra}", by=self.admin)
                self.client.get(reverse("settings-keys"))
                with CaptureQueriesContext(connection) as seen:
                    self.assertEqual(self.client.get(reverse("settings-keys")).status_code, 200)
                counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
        self.assertContains(self.client.get(reverse("settings-keys"), {"page": "2"}), "51 – 62 of 62 keys")
