"""Children that cannot outlive their parent, and need not be root."""

from __future__ import annotations

import ctypes
import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

NOBODY = 65534
_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded before any fork


def die_with_parent(stop: signal.Signals) -> Callable[[], None]:
    """For ``preexec_fn``: the kernel sends ``stop`` to the child when this process dies, however it dies.

    The parent must start such children from its main thread: what the kernel watches is the thread.
    """
    parent = os.getpid()
    return lambda: die_with(parent, stop)


def die_with(parent: int, stop: signal.Signals) -> None:
    """From now on the kernel sends ``stop`` to this process when ``parent``, which started it, dies."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, int(stop), 0, 0, 0)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)


def leave_root() -> None:
    """For ``preexec_fn``: become uid 1000 of a new user namespace, which outside of it is still root.

    Postgres refuses to run as root. This way it needs no system user and reads a data folder under ``/root``.
    """
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
        Path(f"/proc/self/{name}").write_text(text)


@functools.cache
def namespaces_allowed() -> bool:
    """Whether :func:`leave_root` works here (many containers forbid it)."""
    try:
        return subprocess.run([sys.executable, "-c", ""], preexec_fn=leave_root, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def wait(condition: Callable[[], bool], *, seconds: float, every: float = 0.02) -> bool:
    """Whether ``condition`` came true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


def works_in(pid: int, folder: Path) -> bool:
    """Whether the process lives and its working folder is ``folder``: a number from a file may be anybody's by now."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except FileNotFoundError:
        return False
    except OSError:  # no /proc, or not ours to look into
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True


def stop_process(process: subprocess.Popen[bytes], how: signal.Signals, *, seconds: float) -> None:
    """Ask by ``how``, wait, then kill."""
    if process.poll() is not None:
        return
    process.send_signal(how)
    wait_or_kill(process, seconds=seconds)


def wait_or_kill(process: subprocess.Popen[bytes], *, seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
