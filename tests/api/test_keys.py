"""Keys: made once, known by heart, turned away when revoked."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError
from django.test import TestCase
from django.utils import timezone

from recommender import store
from recsite.api import keys, sight
from recsite.api.models import ApiKey
from recsite.testing import flush_redis
from tests.api.doors import Caller, start_afresh

SCOPES = ["events:write"]


class KeyTests(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()

    def make(self, **fields: object) -> keys.NewKey:
        with self.captureOnCommitCallbacks(execute=True):
            return keys.create(**{"name": "Shop", "kind": "secret", "scopes": SCOPES, **fields})  # type: ignore[arg-type]

    def test_only_the_digest_is_kept(self) -> None:
        made = self.make()
        self.assertRegex(made.secret, r"^sk_[\w-]{43}$")
        self.assertEqual(made.row.sha256, keys.digest(made.secret))
        self.assertNotIn(made.secret, str(ApiKey.objects.values().get()))

    def test_found_without_asking_postgres(self) -> None:
        secret = self.make().secret
        with self.assertNumQueries(0):
            found = keys.ring.find(secret)
        self.assertEqual(found and found.scopes, frozenset(SCOPES))

    def test_found_in_postgres_when_redis_lost_them(self) -> None:
        secret = self.make().secret
        flush_redis()
        self.assertIsNotNone(keys.ring.find(secret))
        self.assertIn("keys", store.versions())  # and put back

    def test_origins_are_of_publishable_keys_and_are_origins(self) -> None:
        page = {"kind": "publishable", "name": "Pages"}
        self.assertEqual(self.make(**page, origins=["https://Shop.example"]).row.origins, ["https://shop.example"])
        for wrong in ("shop.example", "https://shop.example/page", "https://*.example", "*"):
            with self.subTest(wrong), self.assertRaisesRegex(keys.KeyRefused, "without a path"):
                self.make(**page, origins=[wrong])
        with self.assertRaisesRegex(keys.KeyRefused, "no business in a browser"):
            self.make(origins=["https://shop.example"])

    def test_a_successor_has_the_same_origins(self) -> None:
        first = self.make(kind="publishable", origins=["https://shop.example"]).row
        with self.captureOnCommitCallbacks(execute=True):
            self.assertEqual(keys.rotate(key=first).row.origins, first.origins)

    def test_when_a_key_was_last_used_is_known_soon(self) -> None:
        caller = Caller()
        self.assertNotIn(caller.made.row.pk, sight.keys_used())
        caller.get("nowhere/at/all")  # turned away before anybody looks at the key
        self.assertNotIn(caller.made.row.pk, sight.keys_used())
        caller.get("recommendations")
        self.assertAlmostEqual(sight.keys_used()[caller.made.row.pk], time.time(), delta=5)

    def test_two_requests_of_a_new_process_wait_for_one_look_into_postgres(self) -> None:
        made = self.make()
        known = keys._from_rows([made.row])
        ring, both = keys.KeyRing(), threading.Barrier(2)
        ring._looked_at = time.monotonic()

        def slowly() -> tuple[keys.Key, ...]:
            time.sleep(0.2)
            return known

        def ask(_number: int) -> keys.Key | None:
            both.wait()
            return ring.find(made.secret)

        with (
            patch.object(store, "versions", side_effect=store.StoreDown),
            patch.object(keys, "publish", side_effect=slowly),
            ThreadPoolExecutor(2) as pool,
        ):
            self.assertEqual([found is not None for found in pool.map(ask, range(2))], [True, True])

    def test_nobody_knows(self) -> None:
        secret = self.make().secret
        flush_redis()
        with patch.object(keys, "live", side_effect=OperationalError), self.assertRaises(keys.KeysUnknown):
            keys.ring.find(secret)

    def test_known_by_heart_while_everything_is_down(self) -> None:
        secret = self.make().secret
        keys.ring.find(secret)
        with (
            patch.object(store, "versions", side_effect=store.StoreDown),
            patch.object(keys, "live", side_effect=OperationalError),
        ):
            keys.ring._looked_at = -10
            self.assertIsNotNone(keys.ring.find(secret))

    def test_revoked_keys_are_turned_away(self) -> None:
        made = self.make()
        keys.ring.find(made.secret)
        with self.captureOnCommitCallbacks(execute=True):
            keys.revoke(key=made.row)
        keys.ring._looked_at = -10  # a second later
        self.assertIsNone(keys.ring.find(made.secret))

    def test_expired(self) -> None:
        made = self.make(expires_at=timezone.now() + timedelta(seconds=60))
        self.assertIsNotNone(keys.ring.find(made.secret))
        with patch.object(keys.time, "time", return_value=timezone.now().timestamp() + 61):
            self.assertIsNone(keys.ring.find(made.secret))

    def test_rotation_leaves_two_live(self) -> None:
        old = self.make()
        new = keys.rotate(key=old.row)
        self.assertIsNotNone(keys.ring.find(old.secret))
        keys.ring.forget()
        self.assertIsNotNone(keys.ring.find(new.secret))
        with self.assertRaises(keys.KeyRefused):
            keys.rotate(key=new.row)
        old.row.refresh_from_db()
        assert old.row.expires_at is not None
        self.assertLess(old.row.expires_at, timezone.now() + timedelta(days=8))

    def test_refusals(self) -> None:
        for fields, field in (
            ({"name": " "}, "name"),
            ({"kind": "open"}, "kind"),
            ({"scopes": []}, "scopes"),
            ({"scopes": ["everything"]}, "scopes"),
            ({"kind": "publishable", "scopes": ["catalog:write"]}, "scopes"),
        ):
            with self.subTest(fields), self.assertRaises(keys.KeyRefused) as refused:
                self.make(**fields)
            self.assertEqual(refused.exception.field, field)

    def test_the_command_prints_it_once(self) -> None:
        out = StringIO()
        call_command("create_key", name="Web", kind="publishable", stdout=out, stderr=StringIO())
        self.assertIsNotNone(keys.ring.find(out.getvalue().strip()))
        with self.assertRaises(CommandError):
            call_command("create_key", name="Web", kind="publishable", scopes=["admin"], stdout=out, stderr=StringIO())


class ScopeTests(TestCase):
    def setUp(self) -> None:
        flush_redis()
        start_afresh()

    def test_a_key_does_what_its_scopes_say(self) -> None:
        caller = Caller(scopes=["recommendations:read"])
        self.assertEqual(caller.post("events", {"events": []}).status_code, 403)
        self.assertEqual(caller.call("PUT", "products/p1", {}).status_code, 403)
