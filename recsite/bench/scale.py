"""What four times the events cost a training: made-up shops of one law (``madeup``), each in a process of its own.

The fixed cost of a run (loading and tracing the framework) is that of a tiny shop, and subtracted. CPU seconds are
compared, for they do not grow when something else is busy here.
"""

from __future__ import annotations

import multiprocessing
import resource
import time
from dataclasses import dataclass

from recommender.engine.config import Config
from recsite.bench.figures import Figure
from recsite.bench.madeup import busy_shop, newest

TINY = (60, 60)
#: Shoppers and products of the shop that is taken four times; about 35 events a shopper.
ONCE, TIMES = (1_500, 1_000), 4
#: The growth that is still in proportion.
MOST = 4.4


@dataclass(frozen=True)
class Cost:
    """Of one training in its own process; ``peak``: bytes of memory at most, ``empty`` of them before it had a shop."""

    events: int
    seconds: float
    cpu: float
    peak: int
    empty: int


def run(seconds: float) -> list[Figure]:
    """``seconds`` bounds nothing: three trainings take what they take."""
    tiny, once, more = (measured(*size) for size in (TINY, ONCE, (ONCE[0] * TIMES, ONCE[1])))
    grown = (more.cpu - tiny.cpu) / max(once.cpu - tiny.cpu, 1e-9)
    figures = [figure for name, cost in (("tiny", tiny), ("×1", once), ("×4", more)) for figure in _figures(name, cost)]
    return [
        *figures,
        Figure("events ×4, time without the fixed cost ×", grown, "", MOST, "most that is in proportion"),
        Figure("memory beyond an empty process ×", _held(more) / max(_held(once), 1), "", TIMES, "in proportion"),
    ]


def measured(n_shoppers: int, n_items: int) -> Cost:
    """Train on a shop of that size in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        cost: Cost = process.apply(_train, (n_shoppers, n_items))
    return cost


def _train(n_shoppers: int, n_items: int) -> Cost:
    from recommender.engine.train import run_training

    data = busy_shop(n_shoppers, n_items)
    empty, began, cpu = _peak(), time.perf_counter(), time.process_time()
    run_training(data, Config(), now=newest(data))
    spent = time.perf_counter() - began, time.process_time() - cpu
    return Cost(len(data.interactions), *spent, _peak(), empty)


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _held(cost: Cost) -> int:
    return cost.peak - cost.empty


def _figures(name: str, cost: Cost) -> list[Figure]:
    return [
        Figure(f"{name}: events", cost.events, "events"),
        Figure(f"{name}: time", cost.seconds, "s"),
        Figure(f"{name}: CPU time", cost.cpu, "s"),
        Figure(f"{name}: memory at most", cost.peak / 2**20, "MiB"),
    ]
