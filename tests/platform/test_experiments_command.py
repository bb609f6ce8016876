"""``manage.py experiments`` in the terminal."""

from __future__ import annotations

import json
from datetime import date

from django.contrib.admin.sites import site
from django.core.management.base import CommandError
from django.test import RequestFactory, TestCase
from django.utils import timezone

from recommender import experiments
from recommender.models import Experiment, ExperimentDay, Placement
from tests.dashboard.people import make_person
from tests.recommender.test_commands import say
from tests.recommender.test_experiments import start


class ExperimentsCommandTests(TestCase):
    def test_before_the_first(self) -> None:
        self.assertIn("no experiment yet", say("experiments"))
        self.assertEqual(json.loads(say("experiments", "--json")), [])

    def test_figures_in_words_and_as_json(self) -> None:
        start()
        rows = [
            ExperimentDay(
                experiment="short-home", day=date(2026, 3, 10), arm=arm, source="api", shopper_kind="visitor",
                shopper_external_id=f"{arm}{n}", first_at=timezone.now(), shown=8, clicked=6 if arm == "b" else n % 3,
            )
            for arm in "ab" for n in range(200)
        ]  # fmt: skip
        ExperimentDay.objects.bulk_create(rows)
        self.assertRegex(say("experiments"), r"\* clicks +A 0\.12\d*  B 0\.75 .*: B is better")
        (found,) = json.loads(say("experiments", "--of", "short-home", "--json"))
        self.assertEqual((found["subjects"], found["measures"]["clicks"]["better"]), ({"a": 200, "b": 200}, "b"))
        self.assertIsNone(found["measures"]["revenue"]["better"])

    def test_the_end(self) -> None:
        start()
        self.assertIn("gets setup B", say("experiments", "--end", "short-home", "--keep", "b"))
        self.assertIn("ended, B kept", say("experiments"))

    def test_refusals_say_what_was_expected(self) -> None:
        start()
        experiments.end(slug="short-home", keep="a")
        for arguments, told in (
            (("--of", "fame"), "short-home"),
            (("--end", "fame", "--keep", "a"), "short-home"),
            (("--end", "short-home"), "--keep"),
            (("--end", "short-home", "--keep", "b"), "ended on"),
        ):
            with self.assertRaisesMessage(CommandError, told):
                say("experiments", *arguments)


class AdminTests(TestCase):
    def test_a_placement_stands_still_there_too(self) -> None:
        request = RequestFactory().get("/")
        request.user = make_person("admin")
        request.user.is_superuser = True
        rows, home = site.get_model_admin(Placement), Placement.objects.get(slug="home")
        self.assertTrue(rows.has_change_permission(request, home))
        start()
        self.assertFalse(rows.has_change_permission(request, home))
        self.assertFalse(rows.has_delete_permission(request, home))
        self.assertFalse(site.get_model_admin(Experiment).has_add_permission(request))
