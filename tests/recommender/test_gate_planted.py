"""Bad models planted into whole runs, through the files and the rows as they really are: each is blocked, what served
goes on, and where nothing serves the best baseline does.

A training takes most of a run. What is planted after it (in the ranker, in its files) is planted into runs that are
handed the ranker of an honest training of the same data."""

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
from recommender.models import Switch, TrainingRun
from recsite.testing import CommittedCase
from tests.goods import make_history, make_products, make_shoppers
from tests.recommender.test_training import in_own_folder

Status = TrainingRun.Status
QUICK = {"steps": 120, "epochs": 3, "layers": [16, 8], "horizon_days": 14.0, "linear": False}


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


class Spoiling:
    """``run_training`` with its ranker spoiled at the very end; ``trained`` is what it honestly was."""

    trained: train.Trained

    def __init__(self, spoil: Callable[[Ranker], Ranker]) -> None:
        self.spoil = spoil

    def __call__(self, *arguments: Any, **named: Any) -> train.Trained:
        self.trained = HONEST_TRAINING(*arguments, **named)
        return replace(self.trained, ranker=self.spoil(self.trained.ranker))


def given(trained: train.Trained, spoil: Callable[[Ranker], Ranker] = lambda ranker: ranker) -> Any:
    """``run_training`` that is done at once, its ranker spoiled."""
    return patch.object(
        train, "run_training", lambda *arguments, **named: replace(trained, ranker=spoil(trained.ranker))
    )


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
    return replace(pool, x=np.random.default_rng(1).permutation(-np.asarray(pool.x)))


HONEST_LISTS = sampling.training_lists
HONEST_TRAINING = train.run_training


class Planted(PlantedCase):
    def test_what_is_planted_is_blocked_and_what_is_good_serves(self) -> None:
        trained = self.refused_where_nothing_serves()
        good = self.run_here()
        self.assertEqual(good.status, Status.SUCCEEDED, good.verdict or good.error)
        self.assertEqual(good.code_version, codeversion.current())
        self.assertEqual(self.serving().generation.run, good)
        self.each_plant_is_blocked(trained)
        again = self.run_here(seed=1)
        self.assertEqual(again.status, Status.SUCCEEDED, again.verdict or again.error)
        self.assertIn("serving ALL", {check["name"] for check in again.verdict["checks"]})
        self.assertIn("serving", again.metrics["models"])

    def refused_where_nothing_serves(self) -> train.Trained:
        """The best baseline is published; returns the honest training."""
        spoiling = Spoiling(nan)
        with patch.object(train, "run_training", spoiling):
            run = self.run_here()
        self.assertEqual(run.status, Status.REFUSED)
        serving = self.serving()
        self.assertEqual(serving.generation.model_name, run.verdict["published"])
        self.assertEqual(run.verdict["published"], run.metrics["best_baseline"]["ALL"])
        self.assertEqual(serving.generation.run, run)
        return spoiling.trained

    def each_plant_is_blocked(self, trained: train.Trained) -> None:
        before = self.serving()
        plants: dict[str, tuple[list[Any], set[str]]] = {
            "NaN": ([given(trained, nan)], {"finite"}),
            "a truncated file": ([given(trained), written(truncate)], {"artifact"}),
            "another schema": ([given(trained), written(other_schema)], {"artifact"}),
            "shuffled labels": ([patch.object(sampling, "training_lists", shuffled)], {"baseline ALL"}),
            "one list for everybody": ([], {"distinct"}),
        }
        chosen = {"one list for everybody": {"architecture": "popularity"}}
        for name, (planted, reasons) in plants.items():
            with self.subTest(name), contextlib.ExitStack() as stack:
                for plant in planted:
                    stack.enter_context(plant)
                run = self.run_here(**chosen.get(name, {}))
                self.assertEqual(run.status, Status.REFUSED, run.error)
                self.assertLessEqual(reasons, self.failed(run), run.verdict["summary"])
                self.assertEqual(publish.serving(), before)

    def serving(self) -> Switch:
        switch = publish.serving()
        assert switch is not None
        return switch
