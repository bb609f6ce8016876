"""A training run of the shop's own data as far as it gets in the time, beside what the processor can do."""

from __future__ import annotations

import time

from recommender import dataset
from recommender.engine.config import Config
from recommender.engine.train import Progress, Stopped, TooLittleData, run_training
from recsite.bench.figures import Figure
from recsite.bench.peak import matrix_product


def run(seconds: float) -> list[Figure]:
    """Seconds of each step that was finished; loads a training framework, so never run by a web process."""
    peak = matrix_product()
    snapshot = dataset.read()
    entered: dict[str, float] = {}
    rates: list[float] = []
    started = time.perf_counter()

    def note(progress: Progress) -> None:
        entered.setdefault(progress.step, time.perf_counter())
        if progress.rows_per_second:
            rates.append(progress.rows_per_second)

    finished = True
    try:
        run_training(
            snapshot.data,
            Config(),
            now=snapshot.now,
            report=note,
            stop=lambda: time.perf_counter() - started > seconds,
        )
    except Stopped:
        finished = False
    except TooLittleData as error:
        raise SystemExit(str(error)) from error
    ends = [*list(entered.values())[1:], time.perf_counter()]
    figures = [
        Figure(f"step {name}", end - begun, "s") for (name, begun), end in zip(entered.items(), ends, strict=True)
    ]
    figures += [
        Figure("whole run" if finished else "stopped after", time.perf_counter() - started, "s"),
        Figure("events", len(snapshot.data.interactions), "events"),
        Figure("matrix product, all cores", peak, "GFLOP/s"),
    ]
    if rates:
        figures.append(Figure("rows through the network", max(rates), "rows/s"))
        figures.append(Figure("rows a GFLOP of peak", max(rates) / peak, "rows"))
    return figures
