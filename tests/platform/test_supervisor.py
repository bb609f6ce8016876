"""``manage.py up`` with its real children: opened in order, restarted, stopped, never left behind."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from typing import ClassVar

import psutil
from django.conf import settings

from recsite import supervisor
from recsite.chaos.history import REFUSES_AT_MOST
from recsite.local_services import processes
from recsite.local_services.state import Folder
from tests.platform.test_local_services import all_processes, clean_environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0  # s on a busy machine; alone it takes three
CHILDREN = ("granian", "worker@", "trainer@", "beat")


@unittest.skipUnless(sys.platform == "linux", "looks into /proc")
class Up(unittest.TestCase):
    home: ClassVar[Path]

    @classmethod
    def setUpClass(cls) -> None:
        cls.home = Path(tempfile.mkdtemp(prefix="recsite-up-")).resolve()
        cls.addClassCleanup(shutil.rmtree, cls.home, ignore_errors=True)

    def setUp(self) -> None:
        self.port = supervisor.free_port("127.0.0.1", 18_000)
        self.log = self.home / "terminal.log"
        with self.log.open("wb") as log:
            self.shop = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=BASE_DIR,
                env={
                    **clean_environment(),
                    "RECSITE_DATA_DIR": str(self.home / "data"),
                    "PORT": str(self.port),
                    "ADMIN_PASSWORD": "correct horse battery staple",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.addCleanup(self.end)
        self.assertTrue(self.becomes(lambda: all(self.children(name) for name in CHILDREN)), self.terminal())

    def end(self) -> None:
        self.shop.kill()
        self.shop.wait()
        self.assertTrue(self.becomes(lambda: not self.left()), [command(pid) for pid in self.left()])

    def becomes(self, condition: object) -> bool:
        assert callable(condition)
        return processes.wait(condition, seconds=PATIENCE, every=0.1)

    def terminal(self) -> str:
        return self.log.read_text(errors="replace")

    def left(self) -> list[int]:
        """Every process that was started for this folder, whoever is its parent by now."""
        mark = f"RECSITE_DATA_DIR={self.home}/data".encode()
        return [pid for pid in all_processes() if mark in environment(pid) and command(pid)]

    def children(self, name: str) -> list[int]:
        return [pid for pid in self.left() if name in command(pid)]

    def answers(self) -> bool:
        return supervisor.answers(f"http://127.0.0.1:{self.port}/login/")

    def test_a_signal_closes_everything_in_order(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                self.shop.send_signal(number)
                self.assertEqual(self.shop.wait(PATIENCE), 0, self.terminal())
                self.assertIn("Stopped.", self.terminal())
                self.assertTrue(self.becomes(lambda: not self.left()))
                self.setUp()

    def test_a_killed_supervisor_leaves_nothing_not_even_what_hangs(self) -> None:
        for name in ("celery", "beat"):
            os.kill(min(self.children(name)), signal.SIGSTOP)  # deaf to every signal that asks
        self.shop.kill()
        self.shop.wait()
        self.assertTrue(self.becomes(lambda: not self.left()), [command(pid) for pid in self.left()])

    def test_each_killed_process_comes_back(self) -> None:
        for name in CHILDREN:
            count, parent = len(self.children(name)), min(self.children(name))
            family = {parent, *(child.pid for child in psutil.Process(parent).children(recursive=True))}
            os.kill(parent, signal.SIGKILL)
            with self.subTest(name):
                self.assertTrue(self.becomes(functools.partial(self.are_replaced, name, family, count)))
        self.assertTrue(self.becomes(self.answers))

    def are_replaced(self, name: str, family: set[int], count: int) -> bool:
        now = set(self.children(name))
        return len(now) >= count and not now & family

    def test_a_killed_web_process_is_not_missed(self) -> None:
        for kill in (self.web_parents, self.web_workers, self.web_parents):
            self.assertTrue(self.becomes(self.all_listen), self.terminal())
            os.kill(kill()[0], signal.SIGKILL)
            with self.subTest(kill.__name__):
                self.assertLess(self.longest_refusal(5.0), REFUSES_AT_MOST)

    def web_parents(self) -> list[int]:
        found = {pid: psutil.Process(pid).ppid() for pid in self.children("granian")}
        return [pid for pid, parent in found.items() if parent not in found]

    def web_workers(self) -> list[int]:
        parents = self.web_parents()
        return [pid for pid in self.children("granian") if pid not in parents]

    def all_listen(self) -> bool:
        parents = self.web_parents()
        return len(parents) == settings.WEB_PROCESSES and all(supervisor.listens(pid, self.port) for pid in parents)

    def longest_refusal(self, seconds: float) -> float:
        """The longest time without an answer on a new connection, twenty of which are tried a second."""
        last = began = time.monotonic()
        longest = 0.0
        while (now := time.monotonic()) < began + seconds:
            if supervisor.answers(f"http://127.0.0.1:{self.port}/api/v1/health/live"):
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            time.sleep(max(0.0, now + 0.05 - time.monotonic()))
        return max(longest, time.monotonic() - last)

    def test_killed_servers_come_back_where_they_were(self) -> None:
        folder = Folder(self.home / "data")
        services = folder.services()
        for name, entry in services.items():
            os.kill(entry["pid"], signal.SIGKILL)
            with self.subTest(name):
                self.assertTrue(self.becomes(functools.partial(self.runs_anew, name, entry["pid"])))
        (keeper,) = self.children("recsite.local_services")
        os.kill(keeper, signal.SIGKILL)
        self.assertTrue(self.becomes(lambda: self.children("recsite.local_services") not in ([], [keeper])))
        self.assertTrue(self.becomes(lambda: len(folder.addresses()) == 2))
        self.assertEqual(folder.addresses(), {name: entry["url"] for name, entry in services.items()})
        self.assertIsNone(self.shop.poll(), self.terminal())

    def runs_anew(self, name: str, before: int) -> bool:
        return Folder(self.home / "data").services().get(name, {}).get("pid", before) != before


class Ports(unittest.TestCase):
    def test_the_next_free_one_is_taken(self) -> None:
        first = supervisor.free_port("127.0.0.1", 18_500)
        with subprocess.Popen(
            [sys.executable, "-m", "http.server", str(first), "--bind", "127.0.0.1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as server:
            processes.wait(lambda: supervisor.answers(f"http://127.0.0.1:{first}"), seconds=20)
            self.assertGreater(supervisor.free_port("127.0.0.1", first), first)
            server.kill()

    def test_no_port_is_said(self) -> None:
        with self.assertRaisesRegex(OSError, "no free port"):
            supervisor.free_port("192.0.2.1", 18_600)  # an address that is not this machine's


class FirstAdmin(unittest.TestCase):
    def up(self, folder: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=BASE_DIR,
            env={**clean_environment(), "RECSITE_DATA_DIR": folder, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_is_asked_for_where_nobody_can_answer(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.assertIn("set ADMIN_PASSWORD", self.up(folder))
            self.assertIn("too short", self.up(folder, ADMIN_PASSWORD="123"))


def command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace")


def environment(pid: int) -> bytes:
    return _read(pid, "environ")


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
