"""Runs the shop's processes as one: starts them in order, restarts what dies, stops them in reverse order.

Every child dies with the supervisor (the kernel sees to it), writes to a log of its own under ``DATA_DIR/log`` and
lives in a session of its own, so that Ctrl-C reaches the supervisor alone and it decides the order.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.conf import settings

from recsite import local_services
from recsite.local_services import processes
from recsite.local_services.state import Folder

BASE_DIR = Path(__file__).resolve().parent.parent
MANAGE = (sys.executable, str(BASE_DIR / "manage.py"))
STEADY_SECONDS = 20.0  # a child that lived this long is started again at once, another after a growing wait
LONGEST_WAIT = 30.0
SERVERS_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Program:
    """One child that is meant to run for ever."""

    name: str
    command: Sequence[str]
    stop: signal.Signals = signal.SIGTERM
    stop_seconds: float = 20
    niceness: int = 0
    stage: int = 4  # of the start; at the end, those of one stage are told together, the last stage first


@dataclass
class Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = 0.0


@dataclass
class Supervisor:
    """``say`` prints one line to whoever sits before the terminal."""

    say: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    _servers_looked_at: float = 0.0

    def start(self, program: Program) -> None:
        child = Child(program)
        self.children.append(child)
        self._start(child)

    def run(self, name: str, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        """A ``manage.py`` command that ends by itself. It too is stopped with the rest."""
        process = spawn(Program(name, [*MANAGE, *arguments]))
        self.children.append(Child(Program(name, ()), process, time.monotonic(), not_before=float("inf")))
        return process

    def watch(self) -> None:
        """Call it often: starts again what has died, the embedded servers included."""
        now = time.monotonic()
        if now - self._servers_looked_at > SERVERS_LOOK_SECONDS:
            self._servers_looked_at = now
            local_services.ensure(settings.DATA_DIR)
        for child in self.children:
            if child.process is not None and child.process.poll() is not None:
                self._note_end(child, now)
            if child.process is None and now >= child.not_before:
                self._start(child)
        self.children = [child for child in self.children if child.process or child.program.command]

    def stop(self) -> None:
        """The last stage first; each child gets its signal and its time, then is killed."""
        for _, group in itertools.groupby(sorted(self.children, key=_stage, reverse=True), key=_stage):
            running = [(child.program, child.process) for child in group if child.process is not None]
            for program, process in running:
                with contextlib.suppress(ProcessLookupError):
                    process.send_signal(program.stop)
            for program, process in running:
                processes.wait_or_kill(process, seconds=program.stop_seconds)
        self.children.clear()

    def _start(self, child: Child) -> None:
        child.process, child.started = spawn(child.program), time.monotonic()

    def _note_end(self, child: Child, now: float) -> None:
        assert child.process is not None
        code, child.process = child.process.returncode, None
        if not child.program.command:  # one that was to end by itself; whoever runs it looks at its exit code
            return
        child.deaths = 0 if now - child.started > STEADY_SECONDS else child.deaths + 1
        wait = 0.0 if child.deaths < 2 else min(2.0 ** (child.deaths - 2), LONGEST_WAIT)
        child.not_before = now + wait
        log = settings.DATA_DIR / "log" / f"{child.program.name}.log"
        self.say(f"{child.program.name} ended ({_ended(code)}) and starts again in {wait:.0f} s. See {log}")


def _stage(child: Child) -> int:
    return child.program.stage


def spawn(program: Program) -> subprocess.Popen[bytes]:
    # Not its own signal: nobody is left to kill a child that hangs while it stops in order, as Celery's do when Redis
    # and Postgres go at the same time.
    arrange = processes.die_with_parent(signal.SIGKILL)

    def before_exec() -> None:
        os.nice(program.niceness)
        arrange()

    with Folder(settings.DATA_DIR).log(program.name) as log:
        return subprocess.Popen(
            program.command,
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=before_exec,
        )


# --- the shop's programs ---
def web(host: str, port: int, *, application: str = "recsite.wsgi:application") -> list[Program]:
    """Granian in WSGI mode: the quickest server for synchronous views that was measured. Few threads: views are short
    and share one interpreter lock a process.

    Each process has a parent and a listening socket of its own on the shared port (SO_REUSEPORT), so whichever of them
    is killed, parents included, the others go on answering; one takes seconds to start.
    """
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": str(port),
        "--workers": "1",
        "--blocking-threads": str(settings.WEB_THREADS + settings.API_EVENT_QUEUE),
        "--backlog": "1024",
        "--workers-kill-timeout": "10",
    }
    flat = [part for pair in options.items() for part in pair]
    command = [sys.executable, "-m", "granian", *flat, "--respawn-failed-workers", application]
    return [Program(f"web-{number}", command, stage=1) for number in range(1, settings.WEB_PROCESSES + 1)]


def refresh_worker(*, count: int = 1) -> Program:
    return _worker("worker", "default,refresh", count=count, niceness=5)


def train_worker() -> Program:
    """Its task only watches the training child, which lowers its own priority further."""
    return _worker("trainer", "train", count=1, niceness=10)


def _worker(name: str, queues: str, *, count: int, niceness: int) -> Program:
    command = [sys.executable, "-m", "celery", "-A", "recsite", "worker", "-n", f"{name}@%h", "-Q", queues]
    # Gossip and mingle talk to other workers at every start; nobody here listens.
    command += ["-c", str(count), "--without-gossip", "--without-mingle"]
    return Program(name, command, niceness=niceness, stage=2)


def beat() -> Program:
    return Program("beat", [sys.executable, "-m", "celery", "-A", "recsite", "beat", "--pidfile="], niceness=5, stage=3)


# --- addresses ---
def free_port(host: str, first: int) -> int:
    """``first``, or the next port that nobody listens on."""
    for port in range(first, min(first + 200, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {first} on {host}")


def listens(pid: int, port: int) -> bool:
    """Whether the process or a child of it has a listening socket on the port."""
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children()):
            if any(it.status == psutil.CONN_LISTEN and it.laddr.port == port for it in one.net_connections("tcp")):
                return True
    return False


def answers(url: str) -> bool:
    """Whether a web server is there; any answer counts."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _ended(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
