"""Processes whose parent is killed while they start: none of them goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import unittest
from pathlib import Path

from recsite.local_services import processes
from tests.platform.test_local_services import clean_environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
#: Forks a child as the web server and Celery do, and is gone before the child imports what would bind it to its parent.
PARENT = """
import multiprocessing, os, signal, time

{before}

def child():
    parent = os.getppid()
    print(os.getpid(), flush=True)
    while os.getppid() == parent:
        time.sleep(0.01)
    {bind}
    time.sleep(600)

multiprocessing.get_context("fork").Process(target=child).start()
time.sleep(0.5)
os.kill(os.getpid(), signal.SIGKILL)
"""


@unittest.skipUnless(sys.platform == "linux", "the kernel's own signal")
class OrphanTest(unittest.TestCase):
    def ends(self, *, before: str = "", bind: str) -> None:
        code = PARENT.format(before=before, bind=bind)
        parent = subprocess.Popen(
            [sys.executable, "-c", code], cwd=BASE_DIR, env=clean_environment(), stdout=subprocess.PIPE, text=True
        )
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.wait(PATIENCE)
        parent.stdout.close()
        ended = processes.wait(lambda: not Path(f"/proc/{child}").exists(), seconds=PATIENCE)
        if not ended:
            os.kill(child, signal.SIGKILL)
        self.assertTrue(ended, "the orphan goes on")

    def test_a_web_process(self) -> None:
        self.ends(bind="import recsite.wsgi")

    def test_a_child_of_a_worker(self) -> None:
        self.ends(before="from recsite import celery", bind="celery.die_with_the_worker()")
