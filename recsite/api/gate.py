"""The API's own way through Django: what is under ``/api/v1/`` passes here and nothing behind.

A shop's request has no session, form or message, so it skips those layers (half of the cost of a short answer). In
order: request id, CORS preflight, size, the events' share of slots, the view, errors in one shape, CORS, sight. Size
and slots come before the body is read.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from django.urls import Resolver404, ResolverMatch, resolve

from recommender import store
from recsite.api import errors, keys, limits, sight
from recsite.api.errors import ApiError
from recsite.api.keys import Key

PREFIX = "/api/v1/"
PAGES = (PREFIX + "schema", PREFIX + "docs")  # for people: they go through the site's own layers
EVENTS = PREFIX + "events"
HOT = (EVENTS, PREFIX + "recommendations")
_hot: dict[str, ResolverMatch] = {}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
MAX_EVENTS_BODY = 512 * 1024
MAX_BODY = 4 * 1024 * 1024
SLOW = 0.25  # s: worth a line in the log

log = structlog.get_logger("recsite.api")


class ApiGate:
    """The middleware; everything else goes on to the layers behind it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(PREFIX) or request.path_info.startswith(PAGES):
            return self.get_response(request)
        started = time.perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        structlog.contextvars.bind_contextvars(request_id=request_id)
        try:
            answer = _preflight(request) or _answer(request)
            answer.headers["X-Request-Id"] = request_id
            _add_cors(request, answer)
            answer._has_been_logged = True  # type: ignore[attr-defined]  # Django would say it again, without the id
            _note(request, answer, time.perf_counter() - started)
        finally:
            store.take_no_token()
            structlog.contextvars.clear_contextvars()
        return answer


def _answer(request: HttpRequest) -> HttpResponseBase:
    try:
        _refuse_large(request)
        if request.path_info.rstrip("/") == EVENTS and request.method == "POST":
            with limits.event_slots.one(
                settings.API_EVENT_SLOTS, waiting=settings.API_EVENT_QUEUE, seconds=limits.SLOT_SECONDS
            ) as got:
                if not got:
                    raise ApiError(503, "busy", "Too many events at once. Nothing was stored; send it again.", retry=1)
                return _call(request)
        return _call(request)
    except ApiError as error:
        return errors.response(error)


def _call(request: HttpRequest) -> HttpResponseBase:
    """The view's answer; an exception nobody foresaw is logged with its trace and answered as a 500."""
    try:
        match = _resolved(request.path_info.rstrip("/"))  # a trailing slash is no other address
    except Resolver404:
        return errors.response(errors.not_found("There is nothing at this address."))
    request.resolver_match = match
    try:
        answer = match.func(request, *match.args, **match.kwargs)
        if hasattr(answer, "render") and callable(answer.render):
            answer = answer.render()
    except UnreadablePostError as error:
        raise errors.bad("cut_short", "expected a body as long as its Content-Length says") from error
    except RequestDataTooBig as error:
        raise ApiError(413, "too_large", f"expected at most {MAX_BODY:,} bytes") from error
    except Exception as error:  # the last line of defence; Django's own would answer in HTML
        if (refusal := errors.of(error)) is not None:
            raise refusal from error
        log.exception("unexpected_error", path=request.path_info)
        raise ApiError(500, "internal", "Something went wrong on our side; the request id finds it.") from error
    return answer


def _resolved(path: str) -> ResolverMatch:
    """The view of an address; the two that a shop asks all day are looked up once."""
    if path not in HOT:
        return resolve(path)
    if path not in _hot:
        _hot[path] = resolve(path)
    return _hot[path]


def _refuse_large(request: HttpRequest) -> None:
    """413 by the length that is announced, before a byte of the body is read."""
    announced = request.META.get("CONTENT_LENGTH") or "0"
    limit = MAX_EVENTS_BODY if request.path_info.rstrip("/") == EVENTS else MAX_BODY
    if not announced.isdecimal():
        raise errors.bad("bad_length", f"expected a Content-Length in digits, received {announced!r}")
    if len(announced) > 15 or int(announced) > limit:
        raise ApiError(413, "too_large", f"expected at most {limit:,} bytes, received {announced}")
    if request.META.get("HTTP_CONTENT_ENCODING", "identity") not in ("", "identity"):
        raise ApiError(415, "unsupported_encoding", "expected a body without Content-Encoding")
    if "HTTP_TRANSFER_ENCODING" in request.META and not request.META.get("CONTENT_LENGTH"):
        _buffer(request, limit)


def _buffer(request: HttpRequest, limit: int) -> None:
    """A body sent in chunks announces no length: read it up to the limit and no further."""
    body = request.META["wsgi.input"].read(limit + 1)
    if len(body) > limit:
        raise ApiError(413, "too_large", f"expected at most {limit:,} bytes, received more")
    request._body = body


def _allowed_origin(request: HttpRequest, key: Key | None = None) -> str | None:
    """The page's origin, where it may read the answer: as the key says, else as ``CORS_ORIGINS`` does. Before there is
    a key (a browser asks first) the word of any live key counts."""
    origin: str = request.META.get("HTTP_ORIGIN", "")
    if not origin:
        return None
    if key is not None and key.origins:
        return origin if origin in key.origins else None
    in_general = "*" in settings.CORS_ORIGINS or origin in settings.CORS_ORIGINS
    return origin if in_general or (key is None and keys.ring.allows_origin(origin)) else None


def _preflight(request: HttpRequest) -> HttpResponse | None:
    """A browser asks before it sends its publishable key; only the two addresses a browser may use answer yes."""
    if request.method != "OPTIONS" or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in request.META:
        return None
    answer = HttpResponse(status=204)
    path = request.path_info.removeprefix(PREFIX).rstrip("/")
    origin = _allowed_origin(request)
    if origin and path in ("events", "recommendations"):
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Allow-Methods"] = "GET, POST" if path == "recommendations" else "POST"
        answer.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, X-Request-Id, X-Shopper-Token"
        answer.headers["Access-Control-Max-Age"] = "600"
    answer.headers["Vary"] = "Origin"
    return answer


def _add_cors(request: HttpRequest, answer: HttpResponseBase) -> None:
    """For publishable keys only: a secret key has no business in a browser."""
    key = getattr(request, "api_key", None)
    if isinstance(key, Key) and not key.is_secret and (origin := _allowed_origin(request, key)):
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Access-Control-Expose-Headers"] = "X-Request-Id, Retry-After"
        answer.headers["Vary"] = "Origin"


def _note(request: HttpRequest, answer: HttpResponseBase, seconds: float) -> None:
    name = request.resolver_match.url_name if request.resolver_match else "none"
    sight.note_request(name or "none", request.method or "", answer.status_code, seconds)
    if answer.status_code >= 400 or seconds > SLOW:
        key = getattr(request, "api_key", None)
        log.info(
            "request",
            method=request.method,
            path=request.path_info,
            status=answer.status_code,
            ms=round(seconds * 1000, 1),
            key=key.id if isinstance(key, Key) else None,
        )
