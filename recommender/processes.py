"""Children of a worker: what takes long or loads TensorFlow runs in a process of its own."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

from catalog.processes import HOST, is_running

__all__ = ["HOST", "environment", "is_running", "kill_group", "start", "tail"]

PR_SET_PDEATHSIG = 1


def start(*arguments: str, log: Path) -> subprocess.Popen[bytes]:
    """``manage.py`` with ``arguments`` as the leader of its own process group, its output in ``log``.

    The kernel kills it when the process that started it dies, however that dies: the run's row is then found by
    its heartbeat and started again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments],
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with(os.getpid()),
        )


def environment() -> dict[str, str]:
    """This process's environment with the database, Redis and folders that it uses itself."""
    inherited = dict(os.environ)
    database = _database_url()
    if inherited.get("DATABASE_URL") != database:
        inherited.pop("RECSITE_EMBEDDED", None)  # a test's database: not what the folder's own servers were named for
    return inherited | {
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "MODEL_DIR": str(settings.MODEL_DIR),
    }


def kill_group(process_id: int) -> None:
    """End the child and whatever it started."""
    try:
        os.killpg(process_id, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def tail(log: Path, lines: int = 15) -> str:
    """The end of a child's output: why it died, as far as it could say."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _database_url() -> str:
    parts = connection.settings_dict
    who = quote(str(parts["USER"] or ""), safe="")
    if parts["PASSWORD"]:
        who += ":" + quote(str(parts["PASSWORD"]), safe="")
    port = f":{parts['PORT']}" if parts["PORT"] else ""
    address = f"postgres://{who}@{parts['HOST']}{port}/{parts['NAME']}"
    given = os.environ.get("DATABASE_URL", "")
    # A shop's own address may carry options (sslmode …) that must not get lost.
    return given if given.partition("?")[0].endswith(f"/{parts['NAME']}") else address


def _die_with(parent: int) -> Callable[[], None]:
    """For ``preexec_fn``; the caller is the main thread, for what the kernel watches is the thread."""
    libc = ctypes.CDLL(None, use_errno=True)  # loaded before the fork

    def prepare() -> None:
        if sys.platform != "linux":
            return
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return prepare
