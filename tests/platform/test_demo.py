"""Who may enter the demo: the file and the database agree, whichever of them was lost."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from django.contrib.auth.models import User
from django.test import TestCase, override_settings

from recommender.models import SetupStep
from recsite import demo, first_start
from recsite.api.models import ApiKey
from recsite.supervisor import Supervisor

URL = "http://localhost:8000"


class DemoAccess(TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(override_settings(DATA_DIR=self.folder))

    def file(self) -> Path:
        return demo.write_access(demo.grant_access(), URL)

    def test_the_file_has_what_lets_one_in(self) -> None:
        file = self.file()
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        told = json.loads(file.read_text())
        self.assertEqual(set(told), {"url", "users", "keys"})
        self.assertEqual(set(told["users"]), {"merchandiser", "admin"})
        for name, password in told["users"].items():
            person = User.objects.get(username=name)
            self.assertTrue(person.check_password(password))
            self.assertEqual(list(person.groups.values_list("name", flat=True)), [name])
        self.assertTrue(told["keys"]["secret"].startswith("sk_"))
        self.assertTrue(told["keys"]["publishable"].startswith("pk_"))
        self.assertIn("admin", ApiKey.objects.get(kind="secret").scopes)

    def test_again_changes_nothing(self) -> None:
        before = self.file().read_text()
        access = demo.grant_access()
        self.assertFalse(access.is_new)
        self.assertEqual(demo.write_access(access, URL).read_text(), before)

    def test_a_lost_file_gets_new_keys(self) -> None:
        before = json.loads(self.file().read_text())
        (self.folder / "demo.json").unlink()
        access = demo.grant_access()
        self.assertTrue(access.is_new)
        self.assertNotEqual(access.keys["secret"], before["keys"]["secret"])
        for name, password in access.users.items():
            self.assertTrue(User.objects.get(username=name).check_password(password))

    def test_a_lost_database_keeps_the_passwords(self) -> None:
        before = json.loads(self.file().read_text())
        User.objects.all().delete()
        ApiKey.objects.all().delete()
        self.assertEqual(demo.grant_access().users, before["users"])

    def test_a_revoked_key_is_replaced(self) -> None:
        before = self.file().read_text()
        ApiKey.objects.filter(kind="publishable").delete()
        after = demo.grant_access()
        self.assertEqual(after.keys["secret"], json.loads(before)["keys"]["secret"])
        self.assertNotEqual(after.keys["publishable"], json.loads(before)["keys"]["publishable"])


class DemoSteps(TestCase):
    def test_are_those_the_page_shows(self) -> None:
        first_start.declare(demo.steps(Supervisor(print)))
        self.assertEqual(
            list(SetupStep.objects.values_list("name", flat=True)), ["import", "profiles", "train", "publish"]
        )
