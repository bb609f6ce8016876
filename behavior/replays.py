"""Refused events, tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from behavior.models import RejectedEvent
from behavior.recording import StoredEvent, current_rules, record_events
from behavior.records import NewEvent, Rules, parse_event

BATCH = 500  # dead letters, each a transaction


@dataclass(frozen=True)
class Replayed:
    """What became of the dead letters: ``stored`` (duplicates included) left the queue, ``still`` stay in it."""

    stored: int
    still: int
    accepted: list[StoredEvent]


def replay_rejects(*, code: str | None = None, ids: Sequence[int] | None = None) -> Replayed:
    """Try refused events again, for instance once their type is declared. What is refused again stays waiting."""
    stored, still, accepted = 0, 0, []
    rules = current_rules()
    waiting = RejectedEvent.objects.filter(replayed_at=None).order_by("id")
    if code is not None:
        waiting = waiting.filter(code=code)
    if ids is not None:
        waiting = waiting.filter(pk__in=ids)
    last = 0
    while letters := list(waiting.filter(pk__gt=last)[:BATCH]):
        last = letters[-1].pk
        recorded, again = _replay(letters, rules)
        accepted += recorded
        still += again
        stored += len(letters) - again
    return Replayed(stored, still, accepted)


def _replay(letters: Sequence[RejectedEvent], rules: Rules) -> tuple[list[StoredEvent], int]:
    read = [(letter, parse_event(letter.payload, index=0, rules=rules)) for letter in letters]
    good = [(letter, event) for letter, event in read if isinstance(event, NewEvent)]
    accepted: list[StoredEvent] = []
    with transaction.atomic():
        for source in sorted({letter.source for letter, _ in good}):
            batch = [event for letter, event in good if letter.source == source]
            accepted += record_events(events=batch, source=source).accepted
        done = [letter.pk for letter, _ in good]
        RejectedEvent.objects.filter(pk__in=done).update(replayed_at=timezone.now())
    return accepted, len(letters) - len(good)
