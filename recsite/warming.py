"""What a web process does once, before anybody waits for it.

First, before it lets anybody in, what requests need: imports, model, catalogue. A process that took connections
meanwhile would keep them waiting for seconds, while the others answer. Then, by a thread beside, the console: its
templates are compiled and the counts that pages keep for minutes (:mod:`recsite.dashboard.kept`) are made, by asking
for one page of each kind as a visitor would, with a pause after each for the requests that have come meanwhile. What
lives as long as the process is then hidden from the garbage collector, whose full passes would stop a request in
passing for a sixth of a second.

Without Postgres the process answers lists as it can; the console is tried again until Postgres is back.
"""

from __future__ import annotations

import gc
import io
import logging
import threading
import time
from collections.abc import Sequence
from urllib.parse import quote

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.wsgi import WSGIRequest
from django.db import DatabaseError, connections
from django.http import HttpRequest, HttpResponseBase
from django.urls import get_resolver, resolve
from django_htmx.middleware import HtmxDetails

from recommender import pulse, state
from recsite.dashboard.roles import MERCHANDISER, PERMISSIONS

log = logging.getLogger(__name__)

PAUSE = 0.05  # s after each page
RETRY = 5.0  # s between two tries
AT_THE_DOOR = 2.0  # s that a process loads what lists need before it opens: Redis or Postgres may hang

#: A page of each kind that keeps a count or loads something of its own; the heaviest counts first.
PAGES = (
    "/",
    "/products/",
    "/data/",
    "/feedback/",
    "/placements/",
    "/shoppers/",
    "/preview/",
    "/search/?q=a",
    "/models/",
    "/rules/",
    "/settings/",
)


class Onlooker(AnonymousUser):
    """Whoever may see what a merchandiser sees. Nobody logs in as them, and no row stands for them."""

    username = "onlooker"  # type: ignore[assignment]  # typed as the empty name of nobody

    def get_full_name(self) -> str:
        return ""

    @property
    def is_authenticated(self) -> bool:  # type: ignore[override]
        return True

    def get_all_permissions(self, obj: object = None) -> set[str]:
        return set(PERMISSIONS[MERCHANDISER])

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return perm in PERMISSIONS[MERCHANDISER]

    def has_perms(self, perm_list: Sequence[str], obj: object = None) -> bool:  # type: ignore[override]
        return all(self.has_perm(perm) for perm in perm_list)


def get_ready() -> None:
    """Before the door opens: import what requests need, load what lists need."""
    import_pages()
    loading = threading.Thread(target=_load, daemon=True, name="load")
    loading.start()
    loading.join(AT_THE_DOOR)


def _load() -> None:
    try:
        state.current()
    finally:
        connections.close_all()


def warm() -> None:
    """All of it, tried again until the console is warm too."""
    try:
        while not once():
            time.sleep(RETRY)
    finally:
        connections.close_all()


def once() -> bool:
    """All of it. False where Postgres did not answer: then lists are as ready as they can be, the console is not."""
    state.current()
    import_pages()
    hide_from_collector()
    done = warm_console()
    hide_from_collector()
    return done


def import_pages() -> None:
    """Every address with the modules behind it."""
    get_resolver().url_patterns  # noqa: B018  # read for what reading it does


def warm_console() -> bool:
    """Ask for a page of each kind. False where Postgres does not answer."""
    try:
        pulse.ask(pulse.feel)  # a question to one that is frozen would never end
        for address in (*PAGES, *_subjects()):
            _look_or_say(address)
            time.sleep(PAUSE)
    except DatabaseError as error:
        log.warning("the console is not warm yet: %s", error)
        connections.close_all()
        return False
    return True


def _look_or_say(address: str) -> None:
    try:
        look(address)
    except DatabaseError:
        raise
    except Exception:  # people will meet it too; the other pages are warmed all the same
        log.exception("%s could not be warmed", address)


def look(address: str) -> HttpResponseBase:
    """The page, built and drawn by its own view, with none of the layers around it: it is in no log and no count."""
    path, _, query = address.partition("?")
    request = _request(path, query)
    view, arguments, named = resolve(path)
    return view(request, *arguments, **named)


def _request(path: str, query: str) -> HttpRequest:
    request = WSGIRequest(
        {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": own_host(),
            "SERVER_PORT": "443" if settings.BEHIND_TLS else "80",
            "wsgi.url_scheme": "https" if settings.BEHIND_TLS else "http",
            "wsgi.input": io.BytesIO(),
        }
    )
    request.user = Onlooker()
    request.session = {}  # type: ignore[assignment]
    request.htmx = HtmxDetails(request)  # type: ignore[attr-defined]
    return request


def own_host() -> str:
    """A name under which this shop may be asked for."""
    return next((name for name in settings.ALLOWED_HOSTS if name.strip(".*")), "localhost").lstrip(".")


def _subjects() -> list[str]:
    """A product, both halves of its page, and a shopper: of the newest purchase."""
    from recsite.dashboard.queries.placements import example

    newest = example()
    if newest is None:
        return []
    product = f"/products/{quote(newest.product.external_id, safe='')}/"
    return [product, f"{product}?part=more", f"/shoppers/{quote(newest.shopper.external_id, safe='')}/"]


def hide_from_collector() -> None:
    """Whatever lives now is never looked through again; what dies of it still goes, unless it holds itself in a ring.

    Nothing is collected before: that would be the very stop that this is to spare, for a few requests' rings.
    """
    gc.freeze()
