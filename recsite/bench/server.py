"""Web servers for a benchmark: the shop's own programme on a free port, and the yardstick beside it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from recsite import supervisor
from recsite.local_services import processes

HOST = "127.0.0.1"
START_SECONDS = 60.0
OURS, REFERENCE = "recsite.wsgi:application", "recsite.bench.reference:application"


@contextmanager
def running(application: str = OURS) -> Iterator[int]:
    """A server of ``application`` with the shop's own options; yields its port."""
    port = supervisor.free_port(HOST, 18_000 if application == OURS else 18_500)
    program = supervisor.web(HOST, port)
    command = [application if part == OURS else part for part in program.command]
    process = supervisor.spawn(replace(program, name="bench-web", command=command))
    try:
        _await(process, port)
        yield port
    finally:
        processes.stop_process(process, program.stop, seconds=program.stop_seconds)


def _await(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection((HOST, port), 1.0):
                return
        except OSError:
            time.sleep(0.1)
    sys.exit("the benchmark's web server did not start: see log/bench-web.log in the data folder")
