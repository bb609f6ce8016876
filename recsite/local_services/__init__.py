"""A real Postgres and a real Redis-compatible server for a shop that has none of its own.

With ``DATABASE_URL`` or ``REDIS_URL`` unset, ``manage.py`` calls :func:`prepare`, and the missing server runs
under ``RECSITE_DATA_DIR`` (default ``.local/``). Who does what:

* a *keeper* process (``python -m recsite.local_services DATA_DIR``, in its own session) is the parent of the servers;
* every process that uses them holds a shared lock on ``users.lock``; when the keeper can take that lock alone, nobody
  is left, and it stops the servers: the last one out turns off the light, however it went out;
* the kernel stops the servers when their keeper dies, so that even ``kill -9`` leaves nothing behind; the next
  :func:`ensure` starts a new keeper, which takes the same ports.

Files, all for the owner only: ``services.json`` (addresses with passwords), ``*.password``, ``log/``.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from recsite.local_services.state import SERVICES, Folder, ServicesError

__all__ = ["ServicesError", "ensure", "prepare", "prepare_for_tests"]

BASE_DIR = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120.0  # making a database on a slow disk takes a while; a failure is reported at once, not by this
WITHOUT_SERVERS = {
    "", "help", "version", "check", "collectstatic", "compilemessages", "diffsettings", "findstatic", "makemessages",
    "startapp", "startproject",
}  # fmt: skip

# Set in the environment beside the two addresses, "postgres,redis@FOLDER": whoever inherits them knows that they are
# this folder's own servers and holds them up too, instead of taking them for the shop's.
EMBEDDED = "RECSITE_EMBEDDED"

_held: dict[Path, int] = {}  # data folder → descriptor with the shared lock, for the life of this process
_keepers: list[subprocess.Popen[bytes]] = []  # kept, for a Popen that is dropped warns of its running child


def prepare(argv: Sequence[str]) -> None:
    """Start what the command ``argv`` needs and put the addresses into the environment, before settings are read.

    Ends the process with a plain message when a server cannot be had.
    """
    command = argv[1] if len(argv) > 1 else ""
    if command.startswith("-") or command in WITHOUT_SERVERS or {"-h", "--help"} & set(argv[2:]):
        return
    try:
        if command == "test":
            prepare_for_tests()
        elif command == "chaos":
            prepare_for_chaos()
        else:
            ensure(data_dir(), announce=command in {"demo", "up"})
    except ServicesError as error:
        sys.exit(str(error))


def data_dir() -> Path:
    """Where this shop keeps its data: ``RECSITE_DATA_DIR``, else ``.local`` beside ``manage.py``."""
    return Path(os.environ.get("RECSITE_DATA_DIR") or BASE_DIR / ".local").expanduser().resolve()


def prepare_for_tests() -> None:
    """A pair of servers of the tests' own, in a folder that the keeper deletes when the tests have ended.

    The shop's addresses are set aside: the tests empty their Redis.
    """
    for name in (*(service.variable for service in SERVICES), EMBEDDED):
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="recsite-test-")).resolve()
    os.environ["RECSITE_DATA_DIR"] = str(folder)
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # a line for every request would bury the results
    ensure(folder, temporary=True, fast=True)


def prepare_for_chaos() -> None:
    """Servers of a drill's own, as durable as a shop's: what is acknowledged must outlive a kill.

    The shop's addresses are set aside, for the drill breaks what it finds. The folder is deleted when this process
    ends.
    """
    for name in (*(service.variable for service in SERVICES), EMBEDDED):
        os.environ.pop(name, None)
    folder = Path(tempfile.mkdtemp(prefix="recsite-chaos-")).resolve()
    os.environ["RECSITE_DATA_DIR"] = str(folder)
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    ensure(folder, temporary=True)


def ensure(folder: Path, *, temporary: bool = False, fast: bool = False, announce: bool = False) -> tuple[str, str]:
    """Have a Postgres and a Redis: the ones named in the environment, else the embedded ones of ``folder``.

    Sets ``DATABASE_URL`` and ``REDIS_URL`` where they are missing, returns both, and keeps the servers up until this
    process ends. ``temporary`` lets the keeper delete the folder; ``fast`` makes servers that are fast but not durable.
    Raises :class:`ServicesError` with what to do about it.
    """
    folder = folder.resolve()
    inherited = _inherited(folder)
    needed = [service for service in SERVICES if not os.environ.get(service.variable) or service.name in inherited]
    if needed:
        state = Folder(folder)
        state.create()
        _hold(state)
        addresses = _running(
            state, [service.name for service in needed], temporary=temporary, fast=fast, announce=announce
        )
        os.environ.update({service.variable: addresses[service.name] for service in needed})
        os.environ[EMBEDDED] = f"{','.join(service.name for service in needed)}@{folder}"
        os.environ.setdefault("RECSITE_DATA_DIR", str(folder))
    return os.environ["DATABASE_URL"], os.environ["REDIS_URL"]


def _inherited(folder: Path) -> list[str]:
    """Names of the services whose addresses in the environment are embedded ones, put there by a parent process."""
    names, _, other = os.environ.get(EMBEDDED, "").partition("@")
    if not names or other == str(folder):
        return names.split(",") if names else []
    for service in SERVICES:  # a parent's, of another folder: not what this process was asked for
        if service.name in names.split(","):
            os.environ.pop(service.variable, None)
    return []


def release(folder: Path) -> None:
    """Let go of ``folder``'s servers before this process ends (it lets go by itself when it ends)."""
    if (descriptor := _held.pop(folder.resolve(), None)) is not None:
        os.close(descriptor)


def _hold(state: Folder) -> None:
    if state.path in _held:
        return
    descriptor = os.open(state.users_lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for a keeper that is just stopping its servers
    _held[state.path] = descriptor


def _running(state: Folder, names: list[str], *, temporary: bool, fast: bool, announce: bool) -> dict[str, str]:
    """Addresses by service name, once all are ready. The start lock lets one of several commands do the starting."""
    with _locked(state.start_lock):
        addresses = state.addresses()
        if state.keeper_alive() and all(name in addresses for name in names):
            return addresses
        if announce:
            print(f"Starting {' and '.join(name.capitalize() for name in names)} in {state.path}", flush=True)
        keeper = None
        if not state.keeper_alive():
            state.forget()
            state.want(names)
            keeper = _start_keeper(state, temporary=temporary, fast=fast)
        else:
            state.want(names)
        return _await(state, names, keeper)


def _start_keeper(state: Folder, *, temporary: bool, fast: bool) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "recsite.local_services", str(state.path)]
    # The addresses are no business of the keeper's, and its working folder is where the package is found.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    with state.log("keeper") as log:
        keeper = subprocess.Popen(
            [*command, *(["--temporary"] if temporary else []), *(["--fast"] if fast else [])],
            cwd=BASE_DIR,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _keepers.append(keeper)
    return keeper


def _await(state: Folder, names: list[str], keeper: subprocess.Popen[bytes] | None) -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        addresses, errors = state.addresses(), state.errors()
        if failed := [errors[name] for name in names if name in errors]:
            raise ServicesError(failed[0])
        if all(name in addresses for name in names):
            return addresses
        if keeper is not None and keeper.poll() is not None:
            raise ServicesError(f"The keeper of the embedded servers ended: see {state.path}/log/keeper.log")
        time.sleep(0.02)
    raise ServicesError(f"The embedded servers did not start within {START_SECONDS:.0f} s: see {state.path}/log")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
