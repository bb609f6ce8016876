"""Rules and placements on their way to the serving processes: packed values whose versions ride in each request.

Published right after commit by whoever changed them; the reconciler publishes what Redis lacks or holds otherwise.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, fields, replace
from typing import Any

import orjson

from recommender import compiled_rules, store
from recommender.compiled_rules import CompiledRule
from recommender.conditions import ConditionError
from recommender.models import Experiment, Placement, Rule

log = logging.getLogger(__name__)

NAMES = ("rules", "placements")
SETTINGS = ("strategy", "n", "filters", "fallbacks", "diversity")  # of a placement, as serving needs them


@dataclass(frozen=True)
class Slot:
    """A placement as serving holds it. ``trial``: the experiment that runs on it."""

    slug: str
    strategy: str
    n: int = 10
    filters: dict[str, Any] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    diversity: str = "off"
    trial: Trial | None = None


@dataclass(frozen=True)
class Trial:
    """``slot`` instead of the placement's own for ``share`` percent of the shoppers; ``name``: the experiment's."""

    name: str
    share: int
    slot: Slot


def publish(*names: str) -> None:
    """Put ``rules`` and ``placements`` (those named, or both) into Redis; raises ``store.StoreDown``."""
    for name in names or NAMES:
        store.put_shared(name, _packed(name), time.time_ns() // 1000)


def publish_missing() -> None:
    """Put into Redis what it lacks or holds otherwise than Postgres, after a save while it was away or two saves whose
    publishing crossed; raises ``store.StoreDown``."""
    held = store.versions()
    if missing := [name for name in NAMES if name not in held or store.shared(name) != _packed(name)]:
        publish(*missing)


def _packed(name: str) -> bytes:
    return orjson.dumps(rule_rows() if name == "rules" else placement_rows())


def rule_rows() -> list[dict[str, Any]]:
    """Live rules in the form that ``compiled_rules.from_dict`` reads."""
    return [
        {
            "id": row.pk,
            "name": row.name,
            "verb": str(row.verb),
            "condition": row.condition,
            "parameters": row.parameters,
            "placements": row.placements,
            "segments": row.segments,
            "starts_at": row.starts_at.timestamp() if row.starts_at else None,
            "ends_at": row.ends_at.timestamp() if row.ends_at else None,
            "priority": row.priority,
        }
        for row in Rule.objects.filter(status=Rule.Status.LIVE)
    ]


def placement_rows() -> list[dict[str, Any]]:
    """Active placements, each with the experiment that runs on it."""
    running = {row.placement: row for row in Experiment.objects.filter(status=Experiment.Status.RUNNING)}
    rows = []
    for placement in Placement.objects.filter(is_active=True):
        row = {name: getattr(placement, name) for name in SETTINGS}
        # A process of the release before reads no setting that it does not know.
        if row["diversity"] == Placement.Diversity.OFF:
            del row["diversity"]
        if experiment := running.get(placement.slug):
            setup = {name: experiment.setup[name] for name in SETTINGS if name in experiment.setup}
            row["trial"] = {"name": experiment.slug, "share": experiment.share, "setup": setup}
        rows.append({"slug": placement.slug, **row})
    return rows


def as_rules(rows: list[dict[str, Any]]) -> tuple[CompiledRule, ...]:
    """Rules ready to run; one that cannot be read is left out rather than taking every answer down."""
    compiled = []
    for row in rows:
        try:
            compiled.append(compiled_rules.from_dict(row))
        except ConditionError as error:
            log.warning("rule %s is left out, for it cannot be read: %s", row["id"], error)
    return tuple(compiled)


def as_slots(rows: list[dict[str, Any]]) -> dict[str, Slot]:
    """By slug; what a later release says of a placement and this one does not know is left out."""
    return {row["slug"]: _as_slot(row) for row in rows}


def _as_slot(row: dict[str, Any]) -> Slot:
    known = {field.name for field in fields(Slot)} - {"trial"}
    values = {name: value for name, value in row.items() if name in known}
    slot = Slot(**{**values, "fallbacks": tuple(row["fallbacks"])})
    trial = row.get("trial")
    if not trial:
        return slot
    other = _as_slot({"slug": slot.slug, "fallbacks": (), **trial["setup"]})
    return replace(slot, trial=Trial(trial["name"], trial["share"], other))
