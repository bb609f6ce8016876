"""What the tests stand on: their own Postgres and Redis, a real worker where one is needed, a real browser.

``manage.py test`` has its own pair of embedded servers (see :mod:`recsite.local_services`). Pick the base by need:

* ``django.test.TestCase``: everything happens in one transaction, which is rolled back; the default.
* :class:`CommittedCase`: rows are committed, so other processes see them; the database is cleaned afterwards.
  ``with start_worker():`` runs a Celery worker (and whatever child it starts) on the *test* database and Redis.
* :class:`LiveCase`: the site on a port, and ``self.page``, a page of headless Chromium.

``python manage.py test --parallel`` gives every process a database and a Redis number of its own.
"""

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import redis
from django.conf import settings
from django.contrib.staticfiles.testing import StaticLiveServerTestCase
from django.db import connections
from django.test import TransactionTestCase, override_settings
from django.test import runner as django_runner

from recsite.local_services.processes import die_with_parent, wait_or_kill

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Playwright

BASE_DIR = Path(__file__).resolve().parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
)  # fmt: skip
REDIS_DATABASES = 16
FAST_HASHER = "django.contrib.auth.hashers.MD5PasswordHasher"  # the others stay: they read what a child process made


# --- Redis ---
def flush_redis() -> None:
    """Empty the tests' Redis, broker included, and take what an earlier test has left on its way to it."""
    from recommender import served

    served.outbox.flush()
    with redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()


def open_new_shop(case: unittest.TestCase) -> None:
    """For one test: an empty Redis, a model folder of its own, and a process that has served nobody yet.

    The serving state and the stored catalogue outlive a test's rows, so what an earlier test left would answer here.
    """
    from recommender import state

    flush_redis()
    folder = tempfile.TemporaryDirectory()
    models = override_settings(MODEL_DIR=folder.name)
    models.enable()
    state.forget()
    case.addCleanup(folder.cleanup)
    case.addCleanup(state.forget)
    case.addCleanup(models.disable)


def _redis_number(number: int) -> str:
    return urlunsplit(urlsplit(settings.REDIS_URL)._replace(path=f"/{number}"))


# --- the runner ---
class CountingResult(unittest.TextTestResult):
    """Counts tests, where unittest counts each failed part of one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.passed = 0

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.passed += 1

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.passed += 1

    @property
    def failed(self) -> int:
        ends = [test for test, _ in (*self.failures, *self.errors)] + list(self.unexpectedSuccesses)
        return len({getattr(test, "test_case", test).id() for test in ends})

    def summary(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {len(self.skipped)} skipped"


def _init_worker(counter: Synchronized[int], *args: Any) -> None:
    """For ``--parallel``: after Django gave this process its database, give it its Redis."""
    django_runner._init_worker(counter, *args)  # type: ignore[attr-defined]
    # Number 0 stays the parent's; more processes than numbers would share, so the runner limits them.
    settings.REDIS_URL = settings.CELERY_BROKER_URL = _redis_number(django_runner._worker_id)  # type: ignore[attr-defined]
    flush_redis()


class ParallelSuite(django_runner.ParallelTestSuite):
    init_worker = _init_worker


class Runner(django_runner.DiscoverRunner):
    """Django's, ending with one plain line: ``N passed, N failed, N skipped``."""

    parallel_test_suite = ParallelSuite

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"parallel": min(options.get("parallel", 0), REDIS_DATABASES - 1)})

    def get_resultclass(self) -> type[unittest.TextTestResult]:
        base = super().get_resultclass() or unittest.TextTestResult
        return type("Result", (CountingResult, base), {})

    def setup_test_environment(self, **kwargs: Any) -> None:
        super().setup_test_environment(**kwargs)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
        # A tenth of the time of the console's tests went into making passwords slow to guess.
        settings.PASSWORD_HASHERS = [FAST_HASHER, *settings.PASSWORD_HASHERS]
        settings.KEEP_COUNTS = False  # a test's rows are another test's no more
        flush_redis()

    def setup_databases(self, **kwargs: Any) -> Any:
        configuration = super().setup_databases(**kwargs)
        CommittedCase.initial_rows = getattr(connections["default"], "_test_serialized_contents", None)
        return configuration

    def teardown_databases(self, old_config: Any, **kwargs: Any) -> None:
        from recsite.api import patience

        patience.stop()  # its threads' connections would keep the database from being dropped
        super().teardown_databases(old_config, **kwargs)

    def suite_result(self, suite: Any, result: Any, **kwargs: Any) -> int:
        """The last thing that is called: what it prints is the last thing printed."""
        sys.stderr.flush()
        print(result.summary(), flush=True)
        return int(super().suite_result(suite, result, **kwargs))


# --- tests that commit ---
class CommittedCase(TransactionTestCase):
    """Rows are committed. Afterwards the database is as after the migrations, the event log and their rows included."""

    serialized_rollback = True  # the declared event types, placements and groups are rows of migrations
    initial_rows: str | None = None  # as Django serialised them; set by the runner

    def setUp(self) -> None:
        super().setUp()
        flush_redis()

    @classmethod
    def _fixture_setup(cls) -> None:
        """Nothing: the rows are there, from the migrations or from the cleaning after the test before."""

    def _fixture_teardown(self) -> None:
        connection = connections["default"]
        # Inside a browser's event loop Django opens another connection, without what it noted on the first one.
        connection._test_serialized_contents = self.initial_rows  # type: ignore[attr-defined]
        super()._fixture_teardown()  # type: ignore[misc]
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE behavior_event")  # Django leaves a table that it does not manage
        # Now, not before the next test of this kind: in a parallel run a TestCase may follow in this database.
        if self.initial_rows:
            connection.creation.deserialize_db_from_string(self.initial_rows)


def process_environment() -> dict[str, str]:
    """The environment for a process of the product that is to use the test's database and Redis."""
    database = connections["default"].settings_dict
    address = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database['NAME']}")
    environment = {**os.environ, "DATABASE_URL": urlunsplit(address), "REDIS_URL": settings.REDIS_URL}
    environment.pop("RECSITE_EMBEDDED", None)  # the addresses are given: not those of the folder
    environment["MODEL_DIR"] = str(settings.MODEL_DIR)
    environment["LOG_LEVEL"] = "INFO"  # a worker says at this level that it is ready; the tests' own level is higher
    return environment


@contextmanager
def start_process(command: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """One of the shop's processes on the test's database and Redis; for a :class:`CommittedCase`.

    Yields it with its log (a file descriptor), and stops it warmly at the end.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=process_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )
        try:
            yield process, log.fileno()
        finally:
            process.terminate()
            wait_or_kill(process, seconds=30)


@contextmanager
def start_worker(*, queues: str = "default,refresh,train", pool: str = "prefork") -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker, ready to take tasks. On an early death the log is in the error."""
    command = [sys.executable, "-m", "celery", "-A", "recsite", "worker", "-Q", queues, "--pool", pool, "-c", "1"]
    command += ["--without-gossip", "--without-mingle", "-n", f"test-{os.getpid()}@%h"]
    with start_process(command) as (worker, log):
        _await_ready(worker, log)
        yield worker


def _await_ready(worker: subprocess.Popen[bytes], log: int, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while b" ready." not in (text := os.pread(log, 1_000_000, 0)):
        if worker.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the worker did not become ready:\n{text.decode(errors='replace')}")
        time.sleep(0.05)


# --- the browser ---
@functools.cache
def find_browser() -> str | None:
    """A Chromium on the path, else Playwright's own, else that one once downloaded; None when none can be had."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path
    if not Path(own).exists():
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "chromium"], capture_output=True, timeout=300, check=False
        )
    return own if Path(own).exists() else None


class LiveCase(CommittedCase, StaticLiveServerTestCase):
    """The site on ``self.live_server_url`` and a fresh page of Chromium in ``self.page``.

    Without a browser the tests are skipped with a plain line; under ``CI=true`` they fail.
    """

    viewport = {"width": 1440, "height": 900}
    playwright: Playwright
    browser: Browser
    page: Page

    @classmethod
    def setUpClass(cls) -> None:
        program = find_browser()
        if program is None:
            missing = f"no browser: none of {', '.join(BROWSERS)} on the path, and Playwright's cannot be installed"
            if os.environ.get("CI") == "true":
                raise RuntimeError(missing)
            raise unittest.SkipTest(missing)
        from playwright.sync_api import sync_playwright

        # Playwright's event loop runs in this thread, and Django takes it for an asynchronous view.
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
        super().setUpClass()
        cls.playwright = sync_playwright().start()
        cls.addClassCleanup(cls.playwright.stop)
        cls.browser = cls.playwright.chromium.launch(executable_path=program, args=list(BROWSER_ARGUMENTS))
        cls.addClassCleanup(cls.browser.close)
        cls.addClassCleanup(connections.close_all)  # those of the event loop; first of all, while it still runs

    def setUp(self) -> None:
        super().setUp()
        context = self.browser.new_context(viewport=self.viewport, base_url=self.live_server_url)  # type: ignore[arg-type]
        self.addCleanup(context.close)
        self.page = context.new_page()

    def log_in(self, username: str, password: str) -> None:
        """Through the login page, as people do."""
        self.page.goto("/login/")
        self.page.fill("input[name=username]", username)
        self.page.fill("input[name=password]", password)
        self.page.click("button[type=submit]")
        self.page.wait_for_url(lambda url: "/login" not in url)
