"""The console's pages as its people ask for them: how long each takes on this shop's data, and in what.

Everything runs in this process and in one thread, through the shop's own middleware, so that what a page costs can be
told apart: its queries, its templates, its own computing. Each round asks every address once, in turn, so that a busy
moment of the machine falls on all pages alike.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.backends.django import Template
from django.test import Client, override_settings
from django.urls import path

from recsite.bench import page_addresses
from recsite.bench.figures import Figure, percentile
from recsite.dashboard import second_factor
from recsite.dashboard.roles import ADMIN, MERCHANDISER

ROUNDS = 20  # at most; fewer where the time is up, but never under LEAST
LEAST = 3
LIMIT = 0.2  # seconds that a page may take


@dataclass(frozen=True)
class Asked:
    """One answer: ``seconds`` on the clock and of this thread's processor, ``sql`` and ``templates`` within them.

    Queries that a template asks for count in both.
    """

    seconds: float
    processor: float
    sql: float
    queries: int
    templates: float


class Clock:
    """Adds up what passes within marked calls; a call within a marked call is not counted twice."""

    def __init__(self) -> None:
        self.seconds, self.calls, self._depth = 0.0, 0, 0

    def around(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self._depth += 1
        start = time.perf_counter()
        try:
            return call(*args, **kwargs)
        finally:
            self._depth -= 1
            if not self._depth:
                self.seconds += time.perf_counter() - start
                self.calls += 1


@dataclass(frozen=True)
class Page:
    """One kind of page: who asks for it, and its addresses."""

    client: Client
    addresses: Sequence[str]


def run(seconds: float) -> list[Figure]:
    """Every page of :mod:`recsite.bench.page_addresses` until ``seconds`` are up, ``ROUNDS`` times at most, beside a
    bare view."""
    with visitor() as merchandiser, visitor(ADMIN) as admin:
        pages = {name: Page(merchandiser, some) for name, some in page_addresses.for_merchandisers().items()}
        pages |= {name: Page(admin, some) for name, some in page_addresses.for_admins().items()}
        first = {name: [ask(page.client, address) for address in page.addresses] for name, page in pages.items()}
        bare, rounds, end = [], 0, time.monotonic() + seconds
        found: dict[str, list[list[Asked]]] = {name: [[] for _ in page.addresses] for name, page in pages.items()}
        while rounds < LEAST or (rounds < ROUNDS and time.monotonic() < end):
            for name, page in pages.items():
                bare.append(_bare())
                for place, address in enumerate(page.addresses):
                    found[name][place].append(ask(page.client, address))
            rounds += 1
    told = [Figure("rounds", rounds, "rounds"), Figure("bare view, p50", percentile(bare, 0.5), "ms")]
    told.append(Figure("bare view, p95", percentile(bare, 0.95), "ms"))
    return told + [
        figure
        for name, asked in found.items()
        for figure in _figures(name, pages[name].addresses, first[name], asked, bare)
    ]


def ask(client: Client, address: str) -> Asked:
    """Ask for one page. Raises ``SystemExit`` where it does not answer 200: its speed would mean nothing."""
    sql, templates = Clock(), Clock()
    headers = {"HX-Request": "true"} if address.startswith("/search/") else {}

    def render(template: Template, context: Any = None, request: Any = None) -> Any:
        return templates.around(original, template, context, request)

    original = Template.render
    with mock.patch.object(Template, "render", render), connection.execute_wrapper(sql.around):
        processor, start = time.thread_time(), time.perf_counter()
        answer = client.get(address, headers=headers, secure=settings.BEHIND_TLS)
        taken, processor = time.perf_counter() - start, time.thread_time() - processor
    if answer.status_code != 200:
        raise SystemExit(f"{address} was to answer 200 but answered {answer.status_code}")
    return Asked(taken, processor, sql.seconds, sql.calls, templates.seconds)


@contextmanager
def visitor(role: str = MERCHANDISER) -> Iterator[Client]:
    """A browser logged in as somebody of ``role`` (by a second factor, where the shop demands it) who goes away
    again."""
    person = User.objects.create(username=f"bench-{secrets.token_hex(6)}")
    person.set_unusable_password()
    person.save()
    person.groups.add(Group.objects.get(name=role))
    host = next((name for name in settings.ALLOWED_HOSTS if name.strip(".*")), "localhost").lstrip(".")
    client = Client(SERVER_NAME=host)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    _give_second_factor(client)
    logging.disable(logging.INFO)  # two lines a request: the table would be lost among them
    try:
        yield client
    finally:
        logging.disable(logging.NOTSET)
        client.logout()
        person.delete()


def _give_second_factor(client: Client) -> None:
    request = HttpRequest()
    request.session = client.session
    second_factor.note_given(request)
    request.session.save()


def _figures(
    name: str, pages: Sequence[str], first: Sequence[Asked], asked: Sequence[Sequence[Asked]], bare: Sequence[float]
) -> Iterator[Figure]:
    """What one page came to, over all its addresses; and the slowest address by its own median."""
    every = [one for some in asked for one in some]

    def middle(values: Sequence[float]) -> float:
        return float(np.median(values))

    clock = [one.seconds for one in every]
    yield Figure(f"{name}, p50", percentile(clock, 0.5), "ms", percentile(bare, 0.5), "bare view")
    yield Figure(f"{name}, p95", percentile(clock, 0.95), "ms", 1000 * LIMIT, "the limit")
    slow = max(range(len(pages)), key=lambda place: first[place].seconds)
    yield Figure(f"{name}, first ask", 1000 * first[slow].seconds, "ms", 1000 * LIMIT, "the limit")
    yield Figure(f"{name}, processor", 1000 * middle([one.processor for one in every]), "ms")
    yield Figure(f"{name}, in SQL", 1000 * middle([one.sql for one in every]), "ms")
    yield Figure(f"{name}, in templates", 1000 * middle([one.templates for one in every]), "ms")
    yield Figure(f"{name}, SQL queries", max(one.queries for one in every), "queries")
    slowest = max(range(len(pages)), key=lambda place: middle([one.seconds for one in asked[place]]))
    yield Figure(f"{name}, slowest {pages[slowest]}", 1000 * middle([one.seconds for one in asked[slowest]]), "ms")


def constant(request: HttpRequest) -> HttpResponse:
    """The yardstick: a view that does nothing."""
    return HttpResponse("constant")


urlpatterns = [path("constant", constant)]


def _bare() -> float:
    """Seconds that Django takes for the yardstick, without middleware."""
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        client = Client(SERVER_NAME="localhost")
        client.get("/constant")
        start = time.perf_counter()
        client.get("/constant")
        return time.perf_counter() - start
