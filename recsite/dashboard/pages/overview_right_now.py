"""How the shop's calls fare at this moment, and what answers them."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from recommender.models import Switch
from recsite.api import sight
from recsite.api.sight import Lately
from recsite.dashboard import numbers
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Stat, StatStrip

HOUR = 3600
MINUTES = 15  # that "right now" looks back


def build(newest: datetime | None) -> StatStrip:
    """How the shop's calls fare at this moment, and what answers them."""
    switch = Switch.objects.select_related("generation").first()
    return StatStrip(
        [
            *_lately(sight.lately(MINUTES)),
            _newest(newest),
            Stat(
                "Serving",
                f"model {switch.generation.run_id}" if switch else "best sellers",
                note=f"since {numbers.moment(switch.at)}" if switch else "until the first model is ready",
                href=page("models"),
            ),
        ],
        label="Right now",
    )


def _newest(newest: datetime | None) -> Stat:
    """``2 min ago``; the day, with the time beneath, where it is longer ago than an hour."""
    if newest is None:
        return Stat("Newest event", "no data")
    if (timezone.now() - newest).total_seconds() < HOUR:
        return Stat("Newest event", numbers.ago(newest), note="by its own time")
    return Stat(
        "Newest event", numbers.day(newest, year=False), note=f"at {timezone.localtime(newest):%H:%M}, its own time"
    )


def _lately(seen: Lately | None) -> list[Stat]:
    """Speed, lists and events of the last minutes; without Redis nobody counts them."""
    within = f"in the last {MINUTES} minutes"
    if seen is None:
        labels = ("Answers, 95 of 100 within", "Lists answered", "Events received")
        return [Stat(label, "no data", note="Redis does not answer") for label in labels]
    quick = f"half within {_ms(seen.p50)}, 99 of 100 within {_ms(seen.p99)}" if seen.lists else within
    ill = f"{numbers.count(seen.fallbacks)} by a fallback, {numbers.count(seen.degraded)} in part"
    late = seen.event_delay is not None and seen.event_delay < HOUR  # a replay of old events says nothing of speed
    delay = f"stored {numbers.duration(seen.event_delay)} after they happened" if late else within
    return [
        Stat("Answers, 95 of 100 within", _ms(seen.p95) if seen.lists else "no data", note=quick),
        Stat("Lists answered", numbers.count(seen.lists), note=ill if seen.lists else within),
        Stat("Events received", numbers.count(seen.events), note=delay),
    ]


def _ms(seconds: float | None) -> str:
    return numbers.milliseconds(None if seconds is None else 1000 * seconds)
