"""The embedded servers, with real processes: shared, restarted, never left behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import psycopg
import redis

from recsite import local_services
from recsite.local_services import postgres, processes, state

BASE_DIR = Path(__file__).resolve().parent.parent.parent
QUICK = 20.0  # s: what must happen, happens long before


class ServersCase(unittest.TestCase):
    """A data folder of its own, and users that are processes."""

    folder_name = "data"

    def setUp(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="recsite-services-")).resolve()
        self.folder = self.home / self.folder_name
        self.users: list[subprocess.Popen[str]] = []
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.addCleanup(self.end_users)

    def user(self, code: str = "sys.stdin.read()", **environment: str) -> subprocess.Popen[str]:
        """A process that has called ``ensure``, tells the two addresses, runs ``code`` and ends."""
        program = (
            "import os, sys\nfrom pathlib import Path\nfrom recsite.local_services import ensure\n"
            f"print(*ensure(Path({str(self.folder)!r})), flush=True)\n{code}"
        )
        user = subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=BASE_DIR,
            env={**clean_environment(), **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.users.append(user)
        return user

    def addresses(self, user: subprocess.Popen[str]) -> list[str]:
        assert user.stdout is not None
        return user.stdout.readline().split()

    def end_users(self) -> None:
        for user in self.users:
            user.kill()
            user.communicate()
        self.assertTrue(comes_true(lambda: not self.servers()), f"left behind: {self.servers()}")

    def servers(self) -> list[int]:
        """Processes that live in the folder, and its keeper."""
        return [pid for pid in all_processes() if self.lives_here(pid)]

    def lives_here(self, pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            inside = Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(self.folder)
        except OSError:
            return False
        return inside or (b"recsite.local_services" in command and str(self.folder).encode() in command)

    def keeper(self) -> int:
        return next(
            pid for pid in self.servers() if b"recsite.local_services" in Path(f"/proc/{pid}/cmdline").read_bytes()
        )


def clean_environment() -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "RECSITE_EMBEDDED", "RECSITE_DATA_DIR")
    return {name: value for name, value in os.environ.items() if name not in ours}


def all_processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def comes_true(condition: Callable[[], bool]) -> bool:
    return processes.wait(condition, seconds=QUICK)


@unittest.skipUnless(sys.platform == "linux", "looks into /proc")
class Sharing(ServersCase):
    def test_several_at_once_share_one_pair_and_the_last_one_out_stops_it(self) -> None:
        users = [self.user() for _ in range(4)]
        self.assertEqual(len({tuple(self.addresses(user)) for user in users}), 1)
        for user in users[1:]:
            user.communicate("")
        time.sleep(1.5)
        self.assertEqual(len(self.servers_by_name("postgres -D")), 1, "one user is left")
        users[0].communicate("")
        self.assertTrue(comes_true(lambda: not self.servers()))

    def servers_by_name(self, name: str) -> list[int]:
        wanted = name.replace(" ", "\0").encode()
        return [pid for pid in self.servers() if wanted in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def test_users_that_are_killed_count_as_gone(self) -> None:
        user = self.user()
        self.addresses(user)
        user.kill()
        self.assertTrue(comes_true(lambda: not self.servers()))

    def test_data_and_ports_outlive_the_servers(self) -> None:
        user = self.user()
        database, cache = self.addresses(user)
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        user.communicate("")
        self.assertTrue(comes_true(lambda: not self.servers()))
        self.assertEqual(self.addresses(again := self.user()), [database, cache])
        with psycopg.connect(database) as connection:
            self.assertEqual(connection.execute("SELECT n FROM kept").fetchone(), (7,))
        again.communicate("")

    def test_a_child_that_inherits_the_addresses_holds_the_servers_too(self) -> None:
        nested = (
            "import subprocess; subprocess.Popen([sys.executable, '-c', "
            f"'from pathlib import Path; from recsite.local_services import ensure; import time; "
            f'ensure(Path("{self.folder}")); Path("{self.home}/held").touch(); time.sleep(60)'
            "'])\nfrom time import sleep\nwhile not Path(r'" + str(self.home) + "/held').exists(): sleep(0.05)"
        )
        user = self.user(nested)
        database, _ = self.addresses(user)
        user.wait()
        time.sleep(1.5)
        with psycopg.connect(database) as connection:
            self.assertEqual(connection.execute("SELECT 1").fetchone(), (1,))
        (child,) = [pid for pid in all_processes() if f"{self.home}/held".encode() in _command(pid)]
        os.kill(child, signal.SIGKILL)

    def test_only_the_missing_one_is_started(self) -> None:
        user = self.user(DATABASE_URL="postgres://of@the.shop/own")
        self.assertEqual(self.addresses(user)[0], "postgres://of@the.shop/own")
        self.assertEqual(self.servers_by_name("postgres -D"), [])
        other = self.user()  # needs both, while the first is served
        self.assertIn("127.0.0.1", self.addresses(other)[0])


@unittest.skipUnless(sys.platform == "linux", "looks into /proc")
class Deaths(ServersCase):
    def test_a_killed_keeper_leaves_no_server_and_the_next_command_finds_everything(self) -> None:
        user = self.user()
        before = self.addresses(user)
        with psycopg.connect(before[0], autocommit=True) as connection, redis.from_url(before[1]) as client:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
            client.set("kept", 7)
        time.sleep(1.1)  # the append-only file is flushed once a second
        os.kill(self.keeper(), signal.SIGKILL)
        self.assertTrue(comes_true(lambda: not self.servers()))
        self.assertEqual(self.addresses(self.user()), before)
        with psycopg.connect(before[0]) as connection, redis.from_url(before[1]) as client:
            self.assertEqual(connection.execute("SELECT n FROM kept").fetchone(), (7,))
            self.assertEqual(client.get("kept"), b"7")

    def test_a_killed_server_is_started_again_on_its_port(self) -> None:
        user = self.user()
        database, cache = self.addresses(user)
        for name, pid in [(name, entry["pid"]) for name, entry in state.Folder(self.folder).services().items()]:
            os.kill(pid, signal.SIGKILL)
            self.assertTrue(comes_true(lambda: alive(database, cache)), name)

    def test_a_lock_file_that_names_a_stranger_is_no_hindrance(self) -> None:
        user = self.user()
        self.addresses(user)
        os.kill(self.keeper(), signal.SIGKILL)
        self.assertTrue(comes_true(lambda: not self.servers()))
        (self.folder / "postgres" / "postmaster.pid").write_text(
            f"{os.getpid()}\n{self.folder}/postgres\n1\n5432\n\n\n"
        )
        self.assertEqual(len(self.addresses(self.user())), 2)


def alive(database: str, cache: str) -> bool:
    try:
        with psycopg.connect(database, connect_timeout=2), redis.from_url(cache) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@unittest.skipUnless(sys.platform == "linux", "looks into /proc")
class Places(ServersCase):
    folder_name = "/".join(["a folder with ‘spaces’ $HOME", *(["deep" * 20] * 6)])

    def test_a_deep_folder_with_odd_names(self) -> None:
        database, cache = self.addresses(self.user())
        self.assertTrue(alive(database, cache))

    def test_a_home_that_cannot_be_written(self) -> None:
        user = self.user(HOME="/proc", XDG_RUNTIME_DIR="/proc")
        self.assertEqual(len(self.addresses(user)), 2)

    @unittest.skipUnless(os.geteuid() == 0, "becomes another user")
    def test_as_an_ordinary_user(self) -> None:
        self.home.chmod(0o777)
        program = "from recsite.local_services import data_dir, ensure; print(*ensure(data_dir()))"
        user = subprocess.run(
            ["/bin/sh", "-c", f'cd {BASE_DIR} && exec "$0" -c "$1"', sys.executable, program],
            env={**clean_environment(), "HOME": str(self.home), "RECSITE_DATA_DIR": str(self.folder)},
            user=processes.NOBODY,
            group=processes.NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            check=False,
        )
        if "Permission denied" in user.stderr and not user.stdout:
            self.skipTest(f"{sys.executable} is closed to other users")
        self.assertEqual(len(user.stdout.split()), 2, user.stderr)

    @unittest.skipUnless(os.geteuid() == 0, "is about root")
    def test_as_root_where_namespaces_are_forbidden(self) -> None:
        with mock.patch.object(processes, "namespaces_allowed", return_value=False):
            home = state.Folder(self.folder)
            home.create()
            who = postgres.identity(home)
        self.addCleanup(shutil.rmtree, who.data.parent)
        self.assertEqual(who.user, processes.NOBODY)
        self.assertEqual(postgres.identity(home), who, "the link says so from now on")
        database, cache = self.addresses(self.user())
        self.assertTrue(alive(database, cache))


@unittest.skipUnless(sys.platform == "linux", "looks into /proc")
class Secrets(ServersCase):
    def test_nobody_else_may_enter(self) -> None:
        database, cache = self.addresses(self.user())
        port = json.loads((self.folder / "services.json").read_text())["redis"]["port"]
        with self.assertRaises(redis.AuthenticationError):
            redis.Redis(port=port).ping()
        with self.assertRaisesRegex(psycopg.OperationalError, "password"):
            psycopg.connect(database.replace("shop:", "shop:x"), connect_timeout=5)
        for file in self.folder.iterdir():
            if file.is_file():
                self.assertEqual(file.stat().st_mode & 0o077, 0, file)
        for pid in self.servers():
            self.assertNotIn(cache.split(":")[2].split("@")[0].encode(), _command(pid))


class Refusals(ServersCase):
    def refusal(self) -> str:
        with self.assertRaises(local_services.ServicesError) as caught:
            local_services.ensure(self.folder)
        return str(caught.exception)

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.dict(os.environ, clean_environment(), clear=True))
        self.addCleanup(local_services.release, self.folder)

    def test_a_folder_of_another_version_is_named(self) -> None:
        (self.folder / "postgres").mkdir(parents=True)
        (self.folder / "postgres" / "PG_VERSION").write_text("12\n")
        self.assertIn("was made by version 12", self.refusal())

    def test_a_folder_that_is_a_file_is_named(self) -> None:
        self.folder.write_text("")
        self.assertRegex(self.refusal(), "RECSITE_DATA_DIR: expected a folder")

    def test_a_missing_wheel_says_what_to_do(self) -> None:
        missing = mock.patch("importlib.util.find_spec", return_value=None)
        with missing, self.assertRaisesRegex(local_services.ServicesError, "set DATABASE_URL"):
            postgres.binaries()


class Commands(unittest.TestCase):
    def test_those_that_need_no_server_start_none(self) -> None:
        for arguments in ([], ["--version"], ["help"], ["migrate", "--help"], ["check"]):
            with self.subTest(arguments), mock.patch.object(local_services, "ensure") as ensure:
                local_services.prepare(["manage.py", *arguments])
                ensure.assert_not_called()
