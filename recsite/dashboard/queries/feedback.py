"""What the feedback page needs beside the daily counts: names, choices, what was measured offline, who served when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.core.cache import cache

from recommender.models import FeedbackDay, FeedbackProgress, Generation, Placement, Rule, Switch

KEPT = 60  # seconds


@dataclass(frozen=True)
class Names:
    """What keys of the counts are called: placements by slug (active ones apart), rules by id."""

    placements: dict[str, str]
    active: frozenset[str]
    rules: dict[int, str]


def names() -> Names:
    """Two queries."""
    slots = list(Placement.objects.values_list("slug", "title", "is_active"))
    return Names(
        {slug: title for slug, title, _ in slots},
        frozenset(slug for slug, _, is_active in slots if is_active),
        dict(Rule.objects.values_list("pk", "name")),
    )


@dataclass(frozen=True)
class Choices:
    """What there is to filter by, over all days: runs (0: no model), segments ("": none), and the sources."""

    runs: tuple[int, ...]
    segments: tuple[str, ...]
    sources: tuple[str, ...]


def choices() -> Choices:
    """One query, then kept for a minute: it walks all days."""

    def read() -> Choices:
        rows = FeedbackDay.objects.filter(dimension="all").order_by().values_list("run", "segment", "source")
        found = list(rows.distinct())
        return Choices(
            tuple(sorted({run for run, _, _ in found}, reverse=True)),
            tuple(sorted({segment for _, segment, _ in found})),
            tuple(sorted({source for _, _, source in found})),
        )

    return cast(Choices, cache.get_or_set("dashboard:feedback-choices", read, KEPT))


@dataclass(frozen=True)
class Measured:
    """What a run's lists were worth on later days that it had not seen: its figures for any item and for new
    ones (``ndcg@10`` …), and of the lists themselves (``median_buyers@10``, ``diversity@10`` …)."""

    run: int
    any_item: dict[str, Any]
    new_items: dict[str, Any]
    lists: dict[str, Any]


def measured() -> tuple[Measured | None, Measured | None]:
    """Of the run that serves and of the one that served before it: one query."""
    found: list[Measured] = []
    for switch in Switch.objects.select_related("generation__run")[:20]:
        if all(one.run != switch.generation.run_id for one in found):
            found.append(_measured(switch.generation))
    return (found[0] if found else None), (found[1] if len(found) > 1 else None)


def _measured(generation: Generation) -> Measured:
    table = dict(generation.run.metrics.get("models", {})).get(generation.model_name, {})
    return Measured(generation.run_id, table.get("ALL", {}), table.get("NEW", {}), table)


def switches(start: datetime, end: datetime) -> list[Switch]:
    """When another model began to serve, oldest first: one query."""
    found = Switch.objects.filter(at__gte=start, at__lt=end).select_related("generation")
    return list(found.order_by("number"))


def counted_to() -> FeedbackProgress | None:
    """Up to when events are counted, and by which windows."""
    return FeedbackProgress.objects.first()
