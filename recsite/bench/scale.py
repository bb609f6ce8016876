"""What four times the events cost a training: made-up shops of one law (``madeup``), each in a process of its own.

The fixed cost of a run (loading and tracing the framework) is that of a tiny shop, and subtracted. CPU seconds are
compared, for they do not grow when something else is busy here. Memory is told by step of the run, and as what one more
event takes at the step that holds most, beside what it takes in the log itself.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from django.conf import settings

from recommender.engine.config import Config
from recommender.engine.interactions import Interactions
from recommender.engine.progress import Progress
from recsite.bench.figures import Figure
from recsite.bench.madeup import busy_shop, newest

TINY = (60, 60)
#: Shoppers and products of the shop that is taken four times; about 35 events a shopper.
ONCE, TIMES = (1_500, 1_000), 4
#: The growth that is still in proportion.
MOST = 4.4


@dataclass
class Step:
    """A step of a run; ``peak``: bytes of memory at most while it lasted."""

    cpu: float = 0.0
    peak: int = 0


@dataclass(frozen=True)
class Cost:
    """Of one training in its own process; ``log``: bytes of the events, ``empty``: of memory with these before it
    began."""

    events: int
    log: int
    seconds: float
    empty: int
    steps: dict[str, Step]

    @property
    def cpu(self) -> float:
        """Seconds."""
        return sum(step.cpu for step in self.steps.values())

    @property
    def peak(self) -> int:
        """Bytes of memory at most."""
        return max(step.peak for step in self.steps.values())


def run(seconds: float) -> list[Figure]:
    """``seconds`` bounds nothing: three trainings take what they take."""
    tiny, once, more = (measured(*size) for size in (TINY, ONCE, (ONCE[0] * TIMES, ONCE[1])))
    grown = (more.cpu - tiny.cpu) / max(once.cpu - tiny.cpu, 1e-9)
    another = (more.peak - once.peak) / (more.events - once.events)
    figures = [figure for name, cost in (("tiny", tiny), ("×1", once), ("×4", more)) for figure in _figures(name, cost)]
    return [
        *figures,
        Figure("events ×4, time without the fixed cost ×", grown, "", MOST, "most that is in proportion"),
        Figure("memory of one more event", another, "B", more.log / more.events, "in the log itself"),
    ]


def measured(n_shoppers: int, n_items: int) -> Cost:
    """Train on a shop of that size in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as process:
        cost: Cost = process.apply(_train, (n_shoppers, n_items, Path(settings.MODEL_DIR)))
    return cost


def _train(n_shoppers: int, n_items: int, folder: Path) -> Cost:
    from recommender.engine.train import run_training

    data = busy_shop(n_shoppers, n_items)
    empty, began = _resident("VmRSS"), time.perf_counter()
    with watched() as watch:
        run_training(data, Config(), now=newest(data), report=watch.note, folder=folder)
    spent = time.perf_counter() - began
    return Cost(len(data.interactions), size_of(data.interactions), spent, empty, watch.steps)


class Watch:
    """Which step spends what; told of each by the run itself."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self._name, self._began = "", time.process_time()
        _forget_peak()

    def note(self, progress: Progress) -> None:
        """A new step ends the one before."""
        if progress.step != self._name:
            self.end()
            self._name = progress.step

    def end(self) -> None:
        """Of the step that is under way."""
        now = time.process_time()
        step = self.steps.setdefault(self._name or "start", Step())
        step.cpu, step.peak = step.cpu + now - self._began, max(step.peak, _resident("VmHWM"))
        self._began = now
        _forget_peak()


@contextmanager
def watched() -> Iterator[Watch]:
    """A watch over the steps until the end of the block."""
    watch = Watch()
    yield watch
    watch.end()


def size_of(events: Interactions) -> int:
    """Bytes of the columns."""
    return sum(getattr(events, column.name).nbytes for column in fields(events))


def _resident(name: str) -> int:
    """Bytes in memory now (``VmRSS``) or at most (``VmHWM``) since it was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def _forget_peak() -> None:
    """The system begins to look for the most again: 5 is its word for it (man 5 proc_pid_clear_refs)."""
    Path("/proc/self/clear_refs").write_text("5")


def _figures(name: str, cost: Cost) -> list[Figure]:
    return [
        Figure(f"{name}: events", cost.events, "events"),
        Figure(f"{name}: time", cost.seconds, "s"),
        Figure(f"{name}: CPU time", cost.cpu, "s"),
        Figure(f"{name}: memory at most", cost.peak / 2**20, "MiB"),
        Figure(f"{name}: memory beyond the log and an empty process", (cost.peak - cost.empty) / 2**20, "MiB"),
        *(Figure(f"{name}: {step}, CPU time", spent.cpu, "s") for step, spent in cost.steps.items()),
        *(Figure(f"{name}: {step}, memory at most", spent.peak / 2**20, "MiB") for step, spent in cost.steps.items()),
    ]
