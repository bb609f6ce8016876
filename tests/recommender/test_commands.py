"""The commands around what serves: list, promote, roll back, put back, and their refusals."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command
from django.core.management.base import CommandError

from recommender import publish, store
from recommender.models import TrainingRun
from recsite.testing import flush_redis
from tests.recommender.test_publish import PublishCase


def say(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


class Commands(PublishCase):
    def test_back_and_forward(self) -> None:
        first, second = self.publish(), self.publish()
        self.assertIn(f"generation {first.generation_id}", say("roll_back"))
        self.assertIn(f"generation {second.generation_id}", say("promote", str(second.generation.run_id)))
        self.assertIn(f"* {second.generation.run_id:>4}", say("runs"))

    def test_lists_are_put_back(self) -> None:
        switch = self.publish()
        flush_redis()
        self.assertIn("30 shoppers, 24 products", say("publish"))
        pointer = store.pointer()
        assert pointer is not None
        self.assertEqual(pointer.switch, switch.number)

    def test_refusals(self) -> None:
        for arguments in (("roll_back",), ("promote", "999999"), ("publish",), ("evaluate",)):
            with self.subTest(arguments), self.assertRaises(CommandError):
                say(*arguments)
        self.assertIsNone(publish.serving())

    def test_a_measured_run_is_printed_beside_its_baselines(self) -> None:
        table = {"ndcg@10": 0.4, "recall@10": 0.2, "hit_rate@10": 0.6, "se": 0.01}
        side = {"ALL": table, "NEW": table}
        metrics = {"window": {"shoppers": 30}, "models": {"deep": side, "popularity": side}}
        TrainingRun.objects.create(status="succeeded", metrics=metrics)
        self.assertRegex(say("evaluate"), r"\*deep\s+0.4000")
