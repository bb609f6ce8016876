"""Bad models planted into whole runs, through the files and the rows as they really are: each is blocked, what served
goes on, and where nothing serves the best baseline does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from django.db import connection

from recommender import artifacts, codeversion, publish, training
from recommender.engine import sampling, train
from recommender.engine.artifact import META, WEIGHTS
from recommender.engine.config import Config
from recommender.engine.ranker import Ranker
from recommender.models import TrainingRun
from recsite.testing import CommittedCase
from tests.goods import make_history, make_products, make_shoppers
from tests.recommender.test_training import in_own_folder

Status = TrainingRun.Status
QUICK = {"steps": 120, "epochs": 3, "layers": [16, 8], "horizon_days": 14.0}


class PlantedCase(CommittedCase):
    def setUp(self) -> None:
        super().setUp()
        in_own_folder(self)
        make_history(make_shoppers(60), make_products(24), weeks=12, basket=4)

    def run_here(self, **chosen: Any) -> TrainingRun:
        config = Config.from_dict({**QUICK, **chosen})
        run = TrainingRun.objects.create(
            status=Status.RUNNING, attempts=1, architecture=config.architecture, config=config.to_dict()
        )
        training.run_child(run.pk, 1)
        connection.close()
        return TrainingRun.objects.get(pk=run.pk)

    def failed(self, run: TrainingRun) -> set[str]:
        return {check["name"] for check in run.verdict["checks"] if not check["passed"]}


def spoiled(spoil: Callable[[Ranker], Ranker]) -> Any:
    """``run_training`` with its ranker spoiled at the very end."""
    honest = train.run_training

    def spoiling(*arguments: Any, **named: Any) -> train.Trained:
        trained = honest(*arguments, **named)
        return replace(trained, ranker=spoil(trained.ranker))

    return patch.object(train, "run_training", spoiling)


def written(spoil: Callable[[str], None]) -> Any:
    """``artifacts.save`` whose files are spoiled once they are written."""
    honest = artifacts.save

    def spoiling(ranker: artifacts.AnyRanker, vocabulary: Any, folder: str, meta: Any) -> str:
        sha256 = honest(ranker, vocabulary, folder, meta)
        if folder.endswith("/model"):
            spoil(folder)
        return sha256

    return patch.object(artifacts, "save", spoiling)


def nan(ranker: Ranker) -> Ranker:
    assert ranker.scorer is not None
    return replace(ranker, scorer=replace(ranker.scorer, mean=np.full_like(ranker.scorer.mean, np.nan)))


def truncate(folder: str) -> None:
    file = artifacts.path(folder) / WEIGHTS
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def other_schema(folder: str) -> None:
    file = artifacts.path(folder) / META
    file.write_text(file.read_text().replace('"schema": 1', '"schema": 99'))


def shuffled(*arguments: Any) -> sampling.Pool:
    """The lists of a cut with every gain at a random place: labels that say nothing."""
    pool = HONEST_LISTS(*arguments)
    return replace(pool, x=np.random.default_rng(1).permutation(-pool.x))


HONEST_LISTS = sampling.training_lists


class Planted(PlantedCase):
    def test_every_planted_model_is_blocked_and_what_serves_stays(self) -> None:
        good = self.run_here()
        self.assertEqual(good.status, Status.SUCCEEDED, good.verdict or good.error)
        self.assertEqual(good.code_version, codeversion.current())
        before = publish.serving()
        plants: dict[str, tuple[Any, set[str]]] = {
            "NaN": (spoiled(nan), {"finite"}),
            "a truncated file": (written(truncate), {"artifact"}),
            "another schema": (written(other_schema), {"artifact"}),
            "shuffled labels": (patch.object(sampling, "training_lists", shuffled), {"baseline ALL"}),
        }
        chosen = {"one list for everybody": {"architecture": "popularity"}}
        plants["one list for everybody"] = (contextlib.nullcontext(), {"distinct"})
        for name, (plant, reasons) in plants.items():
            with self.subTest(name):
                with plant:
                    run = self.run_here(**chosen.get(name, {}))
                self.assertEqual(run.status, Status.REFUSED, run.error)
                self.assertLessEqual(reasons, self.failed(run), run.verdict["summary"])
                self.assertEqual(publish.serving(), before)

    def test_the_good_one_again_passes_beside_itself(self) -> None:
        first, second = self.run_here(), self.run_here(seed=1)
        self.assertEqual([first.status, second.status], [Status.SUCCEEDED] * 2, second.verdict)
        self.assertIn("serving ALL", {check["name"] for check in second.verdict["checks"]})
        self.assertIn("serving", second.metrics["models"])

    def test_refused_where_nothing_serves_the_best_baseline_is_published(self) -> None:
        with spoiled(nan):
            run = self.run_here()
        self.assertEqual(run.status, Status.REFUSED)
        serving = publish.serving()
        assert serving is not None
        self.assertEqual(serving.generation.model_name, run.verdict["published"])
        self.assertEqual(run.verdict["published"], run.metrics["best_baseline"]["ALL"])
        self.assertEqual(serving.generation.run, run)
        again = self.run_here()
        self.assertEqual(again.status, Status.SUCCEEDED, again.verdict)
        now = publish.serving()
        assert now is not None
        self.assertEqual(now.generation.run, again)
