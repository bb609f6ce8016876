"""What ``demo`` and ``up`` have in common: migrate, open the doors, serve until told to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from recsite import supervisor
from recsite.first_start import Terminal
from recsite.supervisor import Supervisor

TICK = 0.1  # s
WEB_SECONDS = 60.0


class ToldToStop(Exception):
    """Ctrl-C, SIGTERM, or the terminal was closed."""


@contextmanager
def front(terminal: Terminal) -> Iterator[Supervisor]:
    """A supervisor whose children end with this block, in reverse order, whatever ends it."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, _stop) for number in numbers]
    shop = Supervisor(terminal.say)
    try:
        yield shop
    except ToldToStop:
        terminal.say("Stopping …")
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them
        shop.stop()
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    terminal.say("Stopped.")


def _stop(_number: int, _frame: object) -> None:
    raise ToldToStop


def migrate() -> None:
    """Bring the data folder and the database to what this code needs."""
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # or the web server warns of its absence
    call_command("migrate", interactive=False, verbosity=0)


def open_doors(shop: Supervisor, terminal: Terminal) -> str:
    """Start the web server, say where it is, then start the workers. Returns the address."""
    host, port = settings.HOST, _port(settings.HOST, settings.PORT)
    # "localhost" is what people type; a name for every address of the machine is not an address to open.
    url = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0', '::') else host}:{port}"
    for program in supervisor.web(host, port):
        shop.start(program)
    _await(shop, lambda: supervisor.answers(f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/login/"))
    if port != settings.PORT:
        terminal.say(f"Port {settings.PORT} is taken.")
    terminal.say(f"Open [bold]{url}[/bold]")
    for program in (supervisor.refresh_worker(), supervisor.train_worker(), supervisor.beat()):
        shop.start(program)
    return url


def serve(shop: Supervisor) -> None:
    """Mind the children until told to stop."""
    while True:
        tick(shop)


def tick(shop: Supervisor) -> None:
    shop.watch()
    time.sleep(TICK)


def keep_connection() -> None:
    """After a restart of the database the next query gets a new connection."""
    try:
        connection.close_if_unusable_or_obsolete()
    except OperationalError:
        connection.close()


def _port(host: str, first: int) -> int:
    try:
        return supervisor.free_port(host, first)
    except OSError as error:
        raise CommandError(f"HOST={host} PORT={first}: {error}") from error


def _await(shop: Supervisor, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WEB_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise CommandError(
                f"The web server did not answer within {WEB_SECONDS:.0f} s: see {settings.DATA_DIR}/log/web-1.log"
            )
        tick(shop)
