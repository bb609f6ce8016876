"""What is broken, and how it is mended where the shop does not mend it itself."""

from __future__ import annotations

import contextlib
import random
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psutil
import redis

from recsite.chaos.history import History, Struck
from recsite.local_services.state import Folder

LASTS = (0.5, 4.0)  # s
RESTS = (1.5, 4.0)  # s between two faults
FULL = 1  # bytes that Redis may take while it is "full"


@dataclass(frozen=True)
class Fault:
    """``strike`` breaks; ``mend`` gives back what only the breaker can."""

    name: str
    strike: Callable[[], None]
    mend: Callable[[], None]


@dataclass(frozen=True)
class Shop:
    """Where the parts of a running shop are found: the process ``up`` and its data folder."""

    up: int
    folder: Folder

    def web(self) -> list[psutil.Process]:
        """The web processes, without the parent that only minds them."""
        found = _named(self._family(), "granian")
        parents = {process.ppid() for process in found}
        return [process for process in found if process.pid not in parents] or found

    def worker(self) -> list[psutil.Process]:
        return _named(self._family(), "worker@")

    def trainer(self) -> list[psutil.Process]:
        return _named(self._family(), "trainer@")

    def training(self) -> list[psutil.Process]:
        """Children that train; they live in sessions of their own, and so does nothing else."""
        return [process for process in psutil.process_iter() if "train_child" in _line(process) and self._ours(process)]

    def server(self, name: str) -> list[psutil.Process]:
        """A server, its parent process first."""
        pid = int(self.folder.services().get(name, {}).get("pid", 0))
        with contextlib.suppress(psutil.Error):
            first = psutil.Process(pid)
            return [first, *first.children(recursive=True)]
        return []

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            return psutil.Process(self.up).children(recursive=True)
        return []

    def _ours(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return process.environ().get("RECSITE_DATA_DIR") == str(self.folder.path)
        return False


def known(shop: Shop) -> list[Fault]:
    """Every fault of the drill."""

    def nothing() -> None:
        """The shop mends it."""

    def kill(find: Callable[[], list[psutil.Process]]) -> Callable[[], None]:
        return lambda: _signal(find()[:1], signal.SIGKILL)

    def freeze(name: str, find: Callable[[], list[psutil.Process]]) -> Fault:
        frozen: list[psutil.Process] = []

        def strike() -> None:
            frozen[:] = find()
            _signal(frozen, signal.SIGSTOP)

        return Fault(f"freeze {name}", strike, lambda: _signal(frozen, signal.SIGCONT))

    def full(size: int) -> Callable[[], None]:
        return lambda: _redis(shop, lambda client: client.config_set("maxmemory", size))

    return [
        Fault("kill web", kill(shop.web), nothing),
        Fault("kill worker", kill(shop.worker), nothing),
        Fault("kill trainer", kill(shop.trainer), nothing),
        Fault("kill redis", kill(lambda: shop.server("redis")), nothing),
        Fault("kill postgres", kill(lambda: shop.server("postgres")), nothing),
        freeze("worker", shop.worker),
        freeze("redis", lambda: shop.server("redis")),
        freeze("postgres", lambda: shop.server("postgres")),
        Fault("empty redis", lambda: _redis(shop, lambda client: client.flushall()), nothing),
        Fault("full redis", full(FULL), full(0)),
    ]


def break_things(faults: Sequence[Fault], history: History, *, seed: int, seconds: float, over: threading.Event,
                 say: Callable[[str], None]) -> None:  # fmt: skip
    """Strike in random order until ``seconds`` are over: every fault once before any comes again."""
    rng, end = random.Random(seed), time.monotonic() + seconds
    order: list[Fault] = []
    while time.monotonic() < end and not over.is_set():
        order = order or rng.sample(list(faults), len(faults))
        fault = order.pop()
        began = time.monotonic()
        fault.strike()
        try:
            over.wait(rng.uniform(*LASTS))
        finally:
            fault.mend()
        history.note_struck(Struck(fault.name, began, time.monotonic()))
        say(f"{fault.name}, {time.monotonic() - began:.1f} s")
        over.wait(rng.uniform(*RESTS))


def _named(processes: Sequence[psutil.Process], word: str) -> list[psutil.Process]:
    return [process for process in processes if word in _line(process)]


def _line(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _signal(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)


def _redis(shop: Shop, act: Callable[[redis.Redis], object]) -> None:
    url = str(shop.folder.services().get("redis", {}).get("url", ""))
    for _ in range(50):  # a mending must arrive, even just after the server was killed
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(url, socket_timeout=1.0) as client:
            act(client)
            return
        time.sleep(0.1)
