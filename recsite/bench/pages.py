"""The console's pages as a merchandiser asks for them: how long each takes on this shop's data, and in what.

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
from urllib.parse import quote, urlencode

import numpy as np
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.template.backends.django import Template
from django.test import Client, override_settings
from django.urls import path

from recsite.bench.figures import Figure, percentile
from recsite.dashboard.roles import MERCHANDISER

ROUNDS = 20  # at most; fewer where the time is up, but never under LEAST
LEAST = 3
EACH = 10  # products and shoppers, of every degree of popularity
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


def run(seconds: float) -> list[Figure]:
    """Every page of :func:`addresses` until ``seconds`` are up, ``ROUNDS`` times at most, beside a bare view."""
    with visitor() as client:
        pages = addresses()
        first = {name: [ask(client, address) for address in some] for name, some in pages.items()}
        bare, rounds, end = [], 0, time.monotonic() + seconds
        found: dict[str, list[list[Asked]]] = {name: [[] for _ in some] for name, some in pages.items()}
        while rounds < LEAST or (rounds < ROUNDS and time.monotonic() < end):
            for name, some in pages.items():
                bare.append(_bare())
                for place, address in enumerate(some):
                    found[name][place].append(ask(client, address))
            rounds += 1
    told = [Figure("rounds", rounds, "rounds"), Figure("bare view, p50", percentile(bare, 0.5), "ms")]
    told.append(Figure("bare view, p95", percentile(bare, 0.95), "ms"))
    return told + [
        figure for name, asked in found.items() for figure in _figures(name, pages[name], first[name], asked, bare)
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


def addresses() -> dict[str, list[str]]:
    """The pages and, of those with many subjects, ten or so of each: from the busiest to the stillest."""
    products, shoppers, words = _products(), _shoppers(), _words()
    found = {
        "overview": ["/", "/?sells=sellers", "/?sells=fallers", "/?compare=year"],
        "products": [
            *("/products/", "/products/?page=3", "/products/?sort=-revenue", "/products/?sort=name"),
            *(f"/products/?{urlencode({'q': word})}" for word in words[::2]),
            *("/products/?missing=price", "/products/?state=sellable", "/products/?missing=category&sort=-revenue"),
        ],
        "one product": [f"/products/{quote(key)}/" for key in products],
        "best seller's lower half": [f"/products/{quote(key)}/?part=more" for key in products[:3]],
        "shoppers": ["/shoppers/", "/shoppers/?sort=-last", "/shoppers/?q=12", "/shoppers/?page=2"],
        "one shopper": [f"/shoppers/{quote(key)}/" for key in shoppers],
        "preview": [
            "/preview/",
            *(f"/preview/?shopper={quote(key)}" for key in shoppers[:4]),
            *(f"/preview/?placement=similar&product={quote(key)}" for key in products[:4]),
        ],
        "search": [f"/search/?{urlencode({'q': word})}" for word in words],
    }
    return {name: some for name, some in found.items() if some}


def _products() -> list[str]:
    """The three best sellers, then products ever further down."""
    return _spread("""
        SELECT p.external_id FROM catalog_product p JOIN (
            SELECT product_id, count(*) AS lines FROM behavior_event WHERE type = 'purchase' GROUP BY 1
        ) sold ON sold.product_id = p.id ORDER BY lines DESC, p.id
    """)


def _shoppers() -> list[str]:
    """The three busiest shoppers, then others ever further down."""
    return _spread("""
        SELECT external_id FROM behavior_shopper s JOIN behavior_shopperprofile p ON p.shopper_id = s.id
        WHERE kind = 'shopper' AND merged_into_id IS NULL ORDER BY events DESC, s.id
    """)


def _spread(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        keys = [key for (key,) in cursor.fetchall()]
    places = [0, 1, 2, *np.linspace(3, max(3, len(keys) - 1), EACH - 3).astype(int)]
    return list(dict.fromkeys(keys[place] for place in places if place < len(keys)))


def _words() -> list[str]:
    """What may be typed: 2 to 20 letters of a title that sells, digits of numbers, and what is nowhere."""
    titles = _spread("SELECT title FROM catalog_product WHERE length(title) > 19 ORDER BY id")
    parts = [title[:size] for title, size in zip(titles, (2, 3, 4, 5, 8, 12, 16, 20), strict=False)]
    return [*parts, "12", "1029", "qzx", "no such thing at all"]


@contextmanager
def visitor() -> Iterator[Client]:
    """A browser logged in as a merchandiser who goes away again."""
    person = User.objects.create(username=f"bench-{secrets.token_hex(6)}")
    person.set_unusable_password()
    person.save()
    person.groups.add(Group.objects.get(name=MERCHANDISER))
    host = next((name for name in settings.ALLOWED_HOSTS if name.strip(".*")), "localhost").lstrip(".")
    client = Client(SERVER_NAME=host)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    logging.disable(logging.INFO)  # two lines a request: the table would be lost among them
    try:
        yield client
    finally:
        logging.disable(logging.NOTSET)
        client.logout()
        person.delete()


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
    yield Figure(f"{name}, first ask", 1000 * max(one.seconds for one in first), "ms")
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
