"""Callers of the API for tests: a client that carries a key and speaks JSON."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol

import orjson
from django.http import HttpResponse
from django.test import Client

from recsite.api import keys, limits
from recsite.api.models import ApiKey
from recsite.api.views.events import types

API = "/api/v1/"
AT = "2026-03-30T12:00:00Z"


def start_afresh() -> None:
    """What a process remembers between requests, as a new one."""
    keys.ring.forget()
    types.forget()
    limits.tokens.__init__()  # type: ignore[misc]


class Caller:
    """A shop's server (secret) or a page of it (publishable)."""

    def __init__(
        self,
        kind: str = "secret",
        scopes: list[str] | None = None,
        name: str = "Tests",
        origins: Sequence[str] = (),
    ) -> None:
        default = ApiKey.Scope.values if kind == "secret" else sorted(keys.BROWSER_SCOPES)
        self.made = keys.create(name=name, kind=kind, scopes=default if scopes is None else scopes, origins=origins)
        keys.publish()  # what the commit does, which a test's transaction never comes to
        self.client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        headers = {"authorization": f"Bearer {self.made.secret}", **headers}
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(  # type: ignore[return-value]
            method, API + path, data, content_type=headers.pop("content_type", "application/json"), headers=headers
        )

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)


class Answer(Protocol):
    """What is looked at of an answer, whichever client asked."""

    status_code: int

    @property
    def content(self) -> bytes: ...


def read(answer: Answer) -> Any:
    return orjson.loads(answer.content)


def code(answer: Answer) -> tuple[int, str]:
    """Status and the code of the error."""
    return answer.status_code, read(answer)["error"]["code"]


def event(**fields: Any) -> dict[str, Any]:
    """A valid view of p1 by Anna."""
    base = {"event_id": str(uuid.uuid4()), "type": "view", "at": AT, "shopper": "anna", "product": "p1"}
    return {name: value for name, value in {**base, **fields}.items() if value is not None}
