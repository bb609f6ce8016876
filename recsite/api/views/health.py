"""Whether the process answers, and whether it can serve: each dependency by name. Never recorded as served."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import TypedDict

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from drf_spectacular.utils import extend_schema

from recommender import services, state, store
from recsite.api import rendering, serializers
from recsite.api.keys import Key
from recsite.api.views.base import ApiView

PATIENCE = 0.5  # s: a frozen server is as good as down
_askers = ThreadPoolExecutor(4, thread_name_prefix="health")


class Part(TypedDict):
    """One dependency as the answer says it."""

    ok: bool
    detail: str


class LiveView(ApiView):
    waits_for_postgres = False

    @extend_schema(operation_id="live", responses={200: serializers.Live}, auth=[], tags=["health"])
    def get(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """The process answers."""
        return rendering.json_response({"status": "live"})


class ReadyView(ApiView):
    waits_for_postgres = False

    @extend_schema(
        operation_id="ready",
        responses={200: serializers.Ready, 503: serializers.Ready},
        auth=[],
        tags=["health"],
    )
    def get(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """200 once a generation serves; a part that is ill beside it makes that "degraded"."""
        asked = {"postgres": _postgres, "redis": _redis, "model": _model, "worker": _worker}
        waiting = {name: _askers.submit(ask) for name, ask in asked.items()}
        found: dict[str, Part] = {}
        for name, asked_for in waiting.items():
            try:
                ok, detail = asked_for.result(PATIENCE)
            except TooSlow:
                ok, detail = False, f"no answer within {PATIENCE} s"
            found[name] = {"ok": ok, "detail": detail}
        serves = found["model"]["ok"]
        status = "not_ready" if not serves else "ready" if all(part["ok"] for part in found.values()) else "degraded"
        said = {"status": status, "dependencies": found}
        return rendering.json_response(said, status=200 if serves else 503, headers={"Cache-Control": "no-store"})


def _own_connection(ask: Callable[[], tuple[bool, str]]) -> tuple[bool, str]:
    try:
        return ask()
    except DatabaseError as error:
        return False, type(error).__name__
    finally:
        connection.close()


def _postgres() -> tuple[bool, str]:
    def ask() -> tuple[bool, str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_is_in_recovery()")
            standby = cursor.fetchone()[0]
        return not standby, "read only" if standby else "answers"

    return _own_connection(ask)


def _redis() -> tuple[bool, str]:
    try:
        return True, f"answers in {store.ping() * 1000:.1f} ms"
    except store.StoreDown as error:
        return False, str(error)[:200]


def _model() -> tuple[bool, str]:
    def ask() -> tuple[bool, str]:
        model = state.current().model
        return (True, model.version) if model else (False, "no generation serves yet")

    return _own_connection(ask)


def _worker() -> tuple[bool, str]:
    alive = store.is_alive(services.TRAIN_WORKER)
    return alive, "seen within 30 s" if alive else "no worker was seen within 30 s"
