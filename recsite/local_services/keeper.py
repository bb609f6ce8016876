"""The parent of the embedded servers: starts what is wanted, minds it, and stops it when nobody uses it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from recsite.local_services import postgres, processes, redis
from recsite.local_services.state import Folder, ServicesError

TICK = 0.1  # s
LINGER = 1.0  # s without users until the servers stop, so that one command after the other finds them warm
READY_SECONDS = 90.0  # a recovery after a crash included
PORTS = range(20_000, 32_000)  # below the range from which the kernel takes ports for outgoing connections


@dataclass
class Running:
    """One server: its process, and how to start it again."""

    process: subprocess.Popen[bytes]
    port: int
    stop: signal.Signals


@dataclass
class Keeper:
    folder: Folder
    temporary: bool
    fast: bool = False
    running: dict[str, Running] = field(default_factory=dict)
    told_to_stop: bool = False
    alone_since: float | None = None

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        users = os.open(self.folder.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            while not (self.told_to_stop or self._deserted(users)):
                self._start_wanted()
                self._restart_dead()
                time.sleep(TICK)
        finally:
            self._stop_all()
            self.folder.forget()
            if self.temporary:
                self._delete()
            os.close(users)  # whoever came in the meantime waited for this, and starts anew

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.told_to_stop = True

    def _deserted(self, users: int) -> bool:
        """Whether nobody has held the users' lock for a while. Leaves the lock taken when so."""
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.alone_since = None
            return False
        self.alone_since = self.alone_since or time.monotonic()
        if self.temporary or time.monotonic() - self.alone_since > LINGER:
            return True
        fcntl.flock(users, fcntl.LOCK_UN)
        return False

    def _start_wanted(self) -> None:
        for name in self.folder.wanted():
            if name not in self.running:
                self._start(name)
            self.folder.unwant([name])

    def _restart_dead(self) -> None:
        for name, server in list(self.running.items()):
            if server.process.poll() is not None:
                print(f"{name} ended with {server.process.returncode}; starting it again", flush=True)
                del self.running[name]
                self._start(name)

    def _start(self, name: str) -> None:
        start = self._start_postgres if name == "postgres" else self._start_redis
        try:
            server = start()
        except (ServicesError, OSError) as error:
            print(f"{name}: {error}", flush=True)
            self._tell(name, {"error": str(error)})
            return
        self.running[name] = server
        self._tell(name, {"port": server.port, "pid": server.process.pid, "url": self._address(name, server.port)})

    def _start_postgres(self) -> Running:
        who = postgres.identity(self.folder)
        postgres.initialise(self.folder, who)
        postgres.wait_for_former(who)
        server = self._on_a_port(
            "postgres",
            lambda port: postgres.start(self.folder, who, port, durable=not self.fast),
            lambda process, _port: postgres.ready(who, process),
            postgres.STOP,
        )
        postgres.create_database(self.folder, who, server.port)
        return server

    def _start_redis(self) -> Running:
        redis.wait_for_former(self.folder)
        return self._on_a_port(
            "redis",
            lambda port: redis.start(self.folder, port, durable=not self.fast),
            lambda _process, port: redis.ready(self.folder, port),
            redis.STOP,
        )

    def _on_a_port(
        self,
        name: str,
        start: Callable[[int], subprocess.Popen[bytes]],
        ready: Callable[[subprocess.Popen[bytes], int], bool],
        stop: signal.Signals,
    ) -> Running:
        """Start on the port of the last time, else on a free one; another process may be quicker to take it."""
        for _ in range(5):
            port = self._port(name)
            process = start(port)
            if _became_ready(process, port, ready):
                return Running(process, port, stop)
            processes.stop_process(process, stop, seconds=10)
            if free(port):  # then the port was not the reason
                break
            (self.folder.path / f"{name}.port").unlink(missing_ok=True)
        log = self.folder.path / "log" / f"{name}.log"
        raise ServicesError(f"{name.capitalize()} did not start. The end of {log}:\n{_tail(log)}")

    def _port(self, name: str) -> int:
        file = self.folder.path / f"{name}.port"
        with contextlib.suppress(FileNotFoundError, ValueError):
            if processes.wait(lambda: free(int(file.read_text())), seconds=3):
                return int(file.read_text())
        port = next(port for port in random.sample(PORTS, len(PORTS)) if free(port))
        self.folder.write(file, str(port))
        return port

    def _address(self, name: str, port: int) -> str:
        password = quote(self.folder.password(name), safe="")
        if name == "postgres":
            return f"postgres://{postgres.USER}:{password}@127.0.0.1:{port}/{postgres.DATABASE}"
        return f"redis://:{password}@127.0.0.1:{port}/0"

    def _tell(self, name: str, entry: dict[str, str | int]) -> None:
        self.folder.write(self.folder.services_file, json.dumps({**self.folder.services(), name: entry}))

    def _stop_all(self) -> None:
        for server in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                server.process.send_signal(server.stop)
        for server in self.running.values():
            processes.stop_process(server.process, server.stop, seconds=30)

    def _delete(self) -> None:
        link = self.folder.path / "postgres"
        if link.is_symlink():
            shutil.rmtree(link.resolve().parent, ignore_errors=True)
        shutil.rmtree(self.folder.path, ignore_errors=True)


def keep(path: Path, *, temporary: bool, fast: bool = False) -> None:
    """Keep the servers of the folder until nobody uses them. Ends at once when another keeper is at it."""
    folder = Folder(path)
    folder.create()
    lock = os.open(folder.keeper_lock, os.O_RDWR | os.O_CREAT, 0o600)
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Keeper(folder, temporary, fast).run()
    os.close(lock)


def _became_ready(
    process: subprocess.Popen[bytes], port: int, ready: Callable[[subprocess.Popen[bytes], int], bool]
) -> bool:
    over = processes.wait(lambda: process.poll() is not None or ready(process, port), seconds=READY_SECONDS)
    return over and process.poll() is None


def free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _tail(file: Path, lines: int = 8) -> str:
    try:
        return "\n".join(file.read_text(errors="replace").splitlines()[-lines:])
    except FileNotFoundError:
        return "(no log)"
