"""Settings are read from the environment, loudly."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def read(expression: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = f"from django.conf import settings; print({expression})"
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "recsite.settings", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


class Loud(unittest.TestCase):
    def assert_refused(self, name: str, value: str, expected: str) -> None:
        done = read("settings.DEBUG", **{name: value})
        with self.subTest(name=name, value=value):
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(expected, done.stderr)
            self.assertIn(name, done.stderr)

    def test_a_malformed_value_is_named_with_what_was_expected(self) -> None:
        self.assert_refused("PORT", "eighty", "expected a number from 1 to 65535, got 'eighty'")
        self.assert_refused("PORT", "70000", "expected a number from 1 to 65535")
        self.assert_refused("SHOP_TIME_ZONE", "Berlin", "expected a name such as Europe/Berlin, got 'Berlin'")
        self.assert_refused("SHOP_CURRENCY", "Dollar", "expected three letters such as USD, got 'Dollar'")
        self.assert_refused("DEBUG", "perhaps", "expected true or false, got 'perhaps'")
        self.assert_refused(
            "DATABASE_URL", "mysql://shop@db/shop", "expected postgres://… or postgresql://…, got 'mysql:…'"
        )
        self.assert_refused("REDIS_URL", "db:6379", "expected redis://… or rediss://… or unix://…, got 'db:…'")
        self.assert_refused("EVENT_RETENTION_DAYS", "-3", "expected a whole number of 0 or more, got '-3'")
        self.assert_refused("LOG_LEVEL", "loud", "expected one of DEBUG, INFO")


class SecretKey(unittest.TestCase):
    def test_is_made_once_for_the_owner_only(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            first, second = (read("settings.SECRET_KEY", RECSITE_DATA_DIR=folder) for _ in range(2))
            self.assertEqual(first.stdout, second.stdout)
            self.assertGreater(len(first.stdout), 50)
            self.assertEqual((Path(folder) / "secret_key").stat().st_mode & 0o777, 0o600)

    def test_the_environment_wins(self) -> None:
        self.assertEqual(read("settings.SECRET_KEY", SECRET_KEY="of the shop").stdout.strip(), "of the shop")


class Deployment(unittest.TestCase):
    def test_django_finds_nothing_to_say(self) -> None:
        environment = {
            "BEHIND_TLS": "true",
            "SECRET_KEY": "".join(map(chr, range(48, 123))),
            "ALLOWED_HOSTS": "shop.example",
        }
        # The browser tests set this for their own process; a shop never does.
        inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
            cwd=BASE_DIR,
            env=inherited | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
