"""``POST /api/v1/events``: stored and committed, then told to Redis, then answered."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema

from behavior import queries
from behavior import services as behavior
from behavior.records import MAX_EVENT_BYTES, NewEvent, Reject, Rules, parse_event
from recommender import services as recommender
from recsite.api import rendering, serializers, sight
from recsite.api.keys import Key
from recsite.api.models import ApiKey
from recsite.api.views.base import ApiView, body, items, owner_only

MAX_EVENTS = 500
TYPES_SECONDS = 2.0  # how long the declared types are known by heart
SOURCES = {"simulator", "bench"}


class _Types:
    """The declared event types, read every few seconds and again before one is refused."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._names: tuple[str, ...] = ()
        self._at = -TYPES_SECONDS

    def rules(self, *, may_be_large: bool, fresh: bool = False) -> Rules:
        now = time.monotonic()
        with self._lock:
            if not self._names or now - self._at > (0.1 if fresh else TYPES_SECONDS):
                self._names, self._at = tuple(queries.declared_types()), now
        return Rules(self._names, timezone.now(), settings.EVENT_RETENTION_DAYS, may_be_large)

    def forget(self) -> None:
        self._names = ()


types = _Types()


class EventsView(ApiView):
    scopes = {"POST": ApiKey.Scope.EVENTS_WRITE}

    @extend_schema(
        operation_id="post_events",
        request=serializers.EventBatch,
        responses={200: serializers.EventsAnswer, **serializers.refusals(400, 401, 403, 413, 415, 429, 503)},
        tags=["events"],
    )
    def post(self, request: HttpRequest, key: Key | None) -> HttpResponse:
        """Store 1 to 500 events; answered once they are committed.

        Every event is accepted, a duplicate, or rejected with a reason. A retry resends the identical body: the same
        `event_id` again is a duplicate and changes nothing.
        """
        caller = owner_only(key)
        payloads = items(body(request), "events", most=MAX_EVENTS)
        events, rejects = _read(payloads, caller, may_be_large=len(request.body) > MAX_EVENT_BYTES)
        # A shopper named by a browser's key is no dead letter: replaying it would store what was refused.
        letters = [reject for reject in rejects if reject.code != "not_found"]
        source = source_of(request, caller)
        recorded = behavior.record_events(events=events, rejects=letters, source=source)
        recommender.note_events(recorded.accepted)
        if recorded.duplicate:  # whoever stored them may have died before it told Redis
            recommender.note_again([event.event_id for event in events])
        _count(recorded, rejects)
        now = time.time()
        sight.note_arrivals(lambda: _arrivals(events, rejects, recorded, source, now))
        return rendering.json_response(
            {
                "accepted": len(recorded.accepted),
                "duplicate": recorded.duplicate,
                "unjoined": recorded.unjoined,
                "rejected": [reject.to_dict() for reject in rejects],
            }
        )


def _read(payloads: list[Any], key: Key, *, may_be_large: bool) -> tuple[list[NewEvent], list[Reject]]:
    """``may_be_large``: sent in few bytes, none of them can be, and none is measured."""
    rules = types.rules(may_be_large=may_be_large)
    read = [parse_event(payload, index=index, rules=rules) for index, payload in enumerate(payloads)]
    if any(isinstance(event, Reject) and event.code == "unknown_type" for event in read):
        rules = types.rules(may_be_large=may_be_large, fresh=True)  # declared a moment ago, perhaps
        read = [parse_event(payload, index=index, rules=rules) for index, payload in enumerate(payloads)]
    if not key.is_secret:
        read = [_own_subject(event, index, payloads[index]) for index, event in enumerate(read)]
    events = [event for event in read if isinstance(event, NewEvent)]
    return events, [event for event in read if isinstance(event, Reject)]


def _own_subject(event: NewEvent | Reject, index: int, payload: Any) -> NewEvent | Reject:
    """A browser's key speaks for visitors only."""
    if isinstance(event, NewEvent) and event.shopper is not None:
        message = "a publishable key posts events of visitors; there is no such shopper for it"
        return Reject(index, str(event.event_id), "not_found", "shopper", message)
    if isinstance(event, Reject) and isinstance(payload, dict) and payload.get("shopper") is not None:
        return replace(event, payload=None, code="not_found")
    return event


def source_of(request: HttpRequest, key: Key) -> str:
    """``simulator`` where a key of the shop's own says so; such feedback stays out of training."""
    claimed = request.META.get("HTTP_X_RECSITE_SOURCE", "")
    return claimed if claimed in SOURCES and key.may(ApiKey.Scope.ADMIN) else "api"


def _count(recorded: behavior.Recorded, rejects: list[Reject]) -> None:
    newest = max((stored.event.at.timestamp() for stored in recorded.accepted), default=None)
    age = None if newest is None else max(0.0, time.time() - newest)
    sight.note_events(len(recorded.accepted), recorded.duplicate, len(rejects), age)


def _arrivals(
    events: list[NewEvent], rejects: list[Reject], recorded: behavior.Recorded, source: str, now: float
) -> list[sight.Arrival]:
    """What the console shows of a batch: its last events and rejects."""
    stored = {one.event.event_id: one for one in recorded.accepted}
    seen = []
    for event in events[-sight.KEPT_ARRIVALS :]:
        kept = stored.pop(event.event_id, None)
        kind, who = event.subject
        seen.append(
            sight.Arrival(
                at=now,
                outcome="duplicate" if kept is None else "accepted" if kept.known else "unjoined",
                type=event.type,
                kind=kind,
                who=who,
                product=event.product or "",
                quantity=event.quantity,
                price=event.price,
                placement=event.placement,
                position=event.position,
                source=source,
            )
        )
    for reject in rejects[-sight.KEPT_ARRIVALS :]:
        seen.append(
            sight.Arrival(now, "rejected", source=source, code=reject.code, field=reject.field, message=reject.message)
        )
    return seen
