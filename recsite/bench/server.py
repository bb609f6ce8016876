"""Web servers for a benchmark: the shop's own programme on a free port, and the yardstick beside it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import psutil

from recsite import supervisor
from recsite.local_services import processes

HOST = "127.0.0.1"
START_SECONDS = 60.0
CALM = 0.05  # s of processor time in a second
OURS, REFERENCE = "recsite.wsgi:application", "recsite.bench.reference:application"


@contextmanager
def running(application: str = OURS) -> Iterator[int]:
    """A server of ``application`` with the shop's own options; yields its port once all its processes listen and have
    done what they do once."""
    port = supervisor.free_port(HOST, 18_000 if application == OURS else 18_500)
    programs = [replace(it, name=f"bench-{it.name}") for it in supervisor.web(HOST, port, application=application)]
    running = [supervisor.spawn(program) for program in programs]
    try:
        _await(running, port)
        yield port
    finally:
        for process in running:
            processes.stop_process(process, programs[0].stop, seconds=programs[0].stop_seconds)


def _await(started: Sequence[subprocess.Popen[bytes]], port: int) -> None:
    """Until each process listens: connections that are kept stay with the one that took them."""

    def all_listen() -> bool:
        return all(process.poll() is None and supervisor.listens(process.pid, port) for process in started)

    if not processes.wait(all_listen, seconds=START_SECONDS, every=0.1):
        sys.exit("the benchmark's web server did not start: see log/bench-web-1.log in the data folder")
    # The console is warmed beside the first requests, which is no part of what a shop's days are like.
    processes.wait(lambda: _are_calm(started), seconds=START_SECONDS, every=0)


def _are_calm(started: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Whether the processes take next to no processor time for a second."""
    family = [one for it in started for one in (psutil.Process(it.pid), *psutil.Process(it.pid).children())]
    before = sum(sum(one.cpu_times()[:2]) for one in family)
    time.sleep(1.0)
    return bool(sum(sum(one.cpu_times()[:2]) for one in family) - before < CALM)
