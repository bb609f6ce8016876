"""Whether a process that a row names still runs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

HOST = socket.gethostname()


def is_running(process_id: int | None, host: str) -> bool | None:
    """Whether the process still runs; None where it is on another host and nobody here can tell."""
    if not process_id or host != HOST:
        return None
    if not Path("/proc/self").exists():
        return _answers(process_id)
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _answers(process_id: int) -> bool:
    """Where there is no ``/proc``: whether a signal would reach it."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
