"""The commands around what serves: list, promote, roll back, put back, and their refusals."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

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

    def test_a_configuration_is_cross_validated(self) -> None:
        with TemporaryDirectory() as folder:
            out = Path(folder) / "figures.json"
            arguments = ("--windows", "2", "--horizon", "7", "--baselines", "popularity,own_days", "--out", str(out))
            shown = say("evaluate", "--architecture", "item_knn", *arguments)
            found = json.loads(out.read_text())
        self.assertEqual([len(found["windows"]), found["config"]["architecture"]], [2, "item_knn"])
        first, second = (window["window"] for window in found["windows"])
        self.assertAlmostEqual(first["end"], second["start"])
        self.assertLess(first["events_known"], second["events_known"])
        pooled = found["pooled"]["models"]
        self.assertEqual(set(pooled), {"item_knn", "popularity", "own_days"})
        self.assertGreater(pooled["item_knn"]["ALL"]["ndcg@10"], pooled["popularity"]["ALL"]["ndcg@10"])
        self.assertRegex(shown, r"item_knn − own_days: [+-]0\.\d{4}, standard error 0\.\d{4}")
        for wrong in (("--windows", "0"), ("--windows", "2", "--baselines", "magic"), ("--windows", "2", "--run", "9")):
            with self.subTest(wrong), self.assertRaisesRegex(CommandError, "expected|there is no run"):
                say("evaluate", *wrong)

    def test_two_runs_are_compared(self) -> None:
        table = {"ndcg@10": 0.4, "recall@10": 0.2}
        metrics = {"window": {"start": 1.0, "end": 2.0}, "models": {"deep": {"ALL": table, "NEW": table}}}
        first, second = self.publish().generation.run, self.publish().generation.run
        for run, steps in ((first, 600), (second, 300)):
            TrainingRun.objects.filter(pk=run.pk).update(metrics=metrics, config={"steps": steps})
        shown = say("runs", "--compare", str(first.pk), str(second.pk))
        self.assertRegex(shown, r"ALL ndcg@10 +0\.4000 +0\.4000")
        self.assertRegex(shown, r"AUC|auc +no data +no data")
        self.assertIn("steps: 600 → 300", shown)
        self.assertNotIn("different later days", shown)
        self.assertIn("Of 30 shoppers' lists of ten, 100% of the products are in both; 100% of the lists", shown)
        with self.assertRaisesRegex(CommandError, "there is no run 99999"):
            say("runs", "--compare", str(first.pk), "99999")
