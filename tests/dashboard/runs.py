"""Runs with figures, their stored lists, and what serves, for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from recommender import generations, publish
from recommender.generations import Manifest
from recommender.models import Generation, Switch, TrainingRun
from recsite.dashboard import roles
from tests.goods import NEWEST

ADMIN = frozenset({roles.SEE, roles.RETRAIN, roles.SWITCH_MODELS})
SEES = frozenset({roles.SEE})


def make_metrics(
    model: str = "deep", *, ndcg: float = 0.43, other: float = 0.41, shoppers: int = 200
) -> dict[str, Any]:
    """What ``engine.evaluate`` says of ``model`` beside two baselines."""

    def table(value: float) -> dict[str, Any]:
        sides = {
            side: {
                **{
                    f"{name}@{cut}": value * share
                    for name in ("ndcg", "map", "mrr", "recall", "hit_rate")
                    for cut in (5, 10, 20)
                },
                "se": 0.006,
                "shoppers": shoppers,
            }
            for side, share in (("ALL", 1.0), ("NEW", 0.1))
        }
        return {**sides, "coverage@10": 0.05, "categories@10": 8.4, "median_buyers@10": 286.0}

    bins = {"error": 0.01, "edges": [0, 0.5, 1], "predicted": [0.1, 0.7], "observed": [0.12, 0.6], "counts": [90, 10]}
    own = {**table(ndcg), "pair_auc": 0.85, "log_loss": 0.12, "calibration": bins}
    difference = {side: {"mean": (ndcg - other) * share, "se": 0.002} for side, share in (("ALL", 1.0), ("NEW", 0.1))}
    part = {"shoppers": 60, "ALL": ndcg, "ALL_se": 0.01, "NEW": 0.05, "NEW_se": 0.01}
    return {
        "window": {"start": 20000.0, "end": 20028.0, "shoppers": shoppers, "truth": 900, "items": 40},
        "models": {model: own, "own_days": table(other), "popularity_28d": table(0.2)},
        "paired": {model: {"own_days": difference, "popularity_28d": {"ALL": {"mean": 0.23, "se": 0.005}}}},
        "slices": {name: {"history": {"6-20": part, "over 500": part}} for name in (model, "own_days")},
        "best_baseline": {"ALL": "own_days", "NEW": "own_days"},
    }


def make_run(status: str = "succeeded", **fields: Any) -> TrainingRun:
    """A finished run with figures, curves and the gate's word."""
    start = timezone.now() - timedelta(minutes=30)
    curve = {"epoch": [1, 2, 3], "loss": [0.5, 0.4, 0.3], "validation_loss": [0.5, 0.45, 0.44]}
    passed = status == "succeeded"
    checks = [{"name": "finite", "passed": passed, "text": "Expected finite scores; found 0 of 9 that are not."}]
    verdict = {"passed": passed, "summary": "NDCG@10 .43 on later days.", "checks": checks, "best_baseline": "own_days"}
    values: dict[str, Any] = {
        "status": status,
        "architecture": "deep",
        "metrics": make_metrics(fields.get("architecture", "deep")),
        "curves": {**curve, "nets": {"softmax": {**curve, "validation_ndcg": [0.1, 0.2, 0.3]}}},
        "verdict": verdict,
        "started_at": start,
        "finished_at": start + timedelta(minutes=4),
        "cpu_seconds": 388.9,
        "peak_memory_bytes": 2_600_000_000,
        "device": "tensorflow CPU",
        "artifact": "runs/0/model",
        "config": {"layers": [128, 64], "epochs": 12},
        **fields,
    }
    return TrainingRun.objects.create(**values)


def make_generation(run: TrainingRun, *, stored: bool = True) -> Generation:
    """A ready generation of nobody's lists; ``stored``: its files are on disk, as a promotion needs them."""
    made = Generation.objects.create(run=run, model_name=run.architecture, as_of=NEWEST, status="ready")
    if stored:
        manifest = Manifest(made.pk, run.pk, run.architecture, run.artifact, "", "", 0.0, 0.0, 0, 0, 300)
        generations.Writer(made.pk).close(manifest)
        Generation.objects.filter(pk=made.pk).update(manifest=manifest.to_dict())
    return made


def serve(generation: Generation) -> Switch:
    return publish.switch_to(generation, reason="published", fence=generation.run_id)
