"""A training run of the shop's own data as far as it gets in the time, then each way of training a network beside
what the device can do (``engine.speed``)."""

from __future__ import annotations

import time
from pathlib import Path

from django.conf import settings

from recommender import dataset
from recommender.engine import speed
from recommender.engine.config import Config
from recommender.engine.plan import TooLittleData
from recommender.engine.progress import Progress, Stopped
from recommender.engine.train import run_training
from recsite.bench.figures import Figure


def run(seconds: float) -> list[Figure]:
    """Loads a training framework, so never run by a web process."""
    return [*_whole_run(seconds), *(figure for way in speed.measure() for figure in figures_of(way))]


def figures_of(way: speed.Speed) -> list[Figure]:
    """One precision, compiled by XLA or not."""
    yardstick = f"matrix product of {'bfloat16' if way.precision == speed.MIXED else way.precision}, {way.device}"
    return [
        Figure(f"{way.name}: a step", way.step * 1e3, "ms"),
        Figure(f"{way.name}: drawing its lists", way.drawing * 1e3, "ms", way.step * 1e3, "the step"),
        Figure(f"{way.name}: rows", way.rows, "rows/s"),
        Figure(f"{way.name}: arithmetic", way.gflops, "GFLOP/s", way.peak, yardstick),
    ]


def _whole_run(seconds: float) -> list[Figure]:
    """Seconds of each step that was finished."""
    snapshot = dataset.read()
    entered: dict[str, float] = {}
    rates: list[float] = []
    started = time.perf_counter()

    def note(progress: Progress) -> None:
        entered.setdefault(progress.step, time.perf_counter())
        if progress.rows_per_second:
            rates.append(progress.rows_per_second)

    finished, stop = True, lambda: time.perf_counter() - started > seconds
    try:
        folder = Path(settings.MODEL_DIR)
        run_training(snapshot.data, Config(), now=snapshot.now, report=note, stop=stop, folder=folder)
    except Stopped:
        finished = False
    except TooLittleData as error:
        return [Figure(f"no whole run ({error})", len(snapshot.data.interactions), "events")]
    ends = [*list(entered.values())[1:], time.perf_counter()]
    figures = [
        Figure(f"step {name}", end - begun, "s") for (name, begun), end in zip(entered.items(), ends, strict=True)
    ]
    figures += [
        Figure("whole run" if finished else "stopped after", time.perf_counter() - started, "s"),
        Figure("events", len(snapshot.data.interactions), "events"),
    ]
    return figures + ([Figure("rows through the network", max(rates), "rows/s")] if rates else [])
