"""What people do with placements: set up a new one, change it, remove one's own.

Every write is one transaction; after commit serving learns of it, so the next answer goes by the new setup.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import transaction

from recommender import services
from recommender.conditions import Condition, ConditionError
from recommender.models import Experiment, Placement
from recommender.steering import Slot

MOST = 100  # products in a list
STRATEGIES = tuple(str(value) for value in Placement.Strategy.values)
DIVERSITIES = tuple(str(value) for value in Placement.Diversity.values)
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")
RESERVED = frozenset({"new", "undo"})  # words of addresses


class Refused(ValueError):
    """A setup that cannot stand: ``errors`` by field, each with what was expected and what came."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


class UnderExperiment(Refused):
    """The placement stands still while an experiment runs on it."""

    def __init__(self, placement: Placement, experiment: Experiment) -> None:
        text = f"The experiment “{experiment.title}” runs on “{placement.title}”, and holds it still: end it first."
        super().__init__({"experiment": text})


class Changed(Exception):
    """Somebody changed the placement since it was read: ``placement`` as it is now."""

    def __init__(self, placement: Placement) -> None:
        super().__init__(f"placement {placement.slug}: expected no change since it was read")
        self.placement = placement


@dataclass(frozen=True)
class Setup:
    """What a person sets of a placement; ``filters`` as the API's ``filter``."""

    title: str
    strategy: str
    n: int = 10
    filters: Mapping[str, Any] = field(default_factory=dict)
    fallbacks: tuple[str, ...] = ()
    is_active: bool = True
    diversity: str = "off"

    def to_dict(self) -> dict[str, Any]:
        """JSON, for the audit log, from which it can be put back."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**values, "filters": dict(self.filters), "fallbacks": list(self.fallbacks)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Setup:
        """The inverse of :meth:`to_dict`."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        return cls(**{**known, "fallbacks": tuple(known.get("fallbacks", ()))})

    def slot(self, slug: str) -> Slot:
        """As serving would hold it."""
        return Slot(slug, self.strategy, self.n, dict(self.filters), self.fallbacks, self.diversity)


def setup_of(placement: Placement) -> Setup:
    """How the placement is set up now."""
    values = {f.name: getattr(placement, f.name) for f in fields(Setup)}
    texts = {name: str(values[name]) for name in ("strategy", "diversity")}
    return Setup(**{**values, **texts, "fallbacks": tuple(placement.fallbacks)})


# --- What may stand ---


def check(setup: Setup, *, slug: str | None = None) -> None:
    """Raise :class:`Refused` with everything that is wrong. ``slug``: of a new one."""
    errors = {**_unfit(setup), **_unreadable(setup.filters)}
    if slug is not None and (not SLUG.match(slug) or len(slug) > 64 or slug in RESERVED):
        errors["slug"] = f"Name in the API: expected small letters, digits and hyphens, received “{slug}”."
    if errors:
        raise Refused(errors)


def _unfit(setup: Setup) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not 1 <= len(setup.title.strip()) <= 120:
        errors["title"] = f"Title: expected 1 … 120 letters, received {len(setup.title.strip())}."
    if setup.strategy not in STRATEGIES:
        errors["strategy"] = f"Strategy: expected one of {', '.join(STRATEGIES)}; received “{setup.strategy}”."
    if setup.diversity not in DIVERSITIES:
        errors["diversity"] = f"Variety: expected one of {', '.join(DIVERSITIES)}; received “{setup.diversity}”."
    if not 1 <= setup.n <= MOST:
        errors["n"] = f"Products: expected 1 … {MOST}, received {setup.n}."
    if unknown := [name for name in setup.fallbacks if name not in STRATEGIES]:
        errors["fallbacks"] = f"Fallbacks: expected some of {', '.join(STRATEGIES)}; received {', '.join(unknown)}."
    elif len(set(setup.fallbacks)) < len(setup.fallbacks) or setup.strategy in setup.fallbacks:
        errors["fallbacks"] = "Fallbacks: expected each strategy once, and not the placement's own."
    return errors


def _unreadable(filters: Mapping[str, Any]) -> dict[str, str]:
    try:
        condition = Condition.from_filter(filters)
    except ConditionError as error:
        return {"filters": f"Filters: {error}."}
    low, high = condition.price_min, condition.price_max
    if low is not None and high is not None and low > high:
        return {"filters": f"Filters: expected a lowest price below the highest, received {low:g} and {high:g}."}
    return {}


# --- Writing ---


@transaction.atomic
def create(*, slug: str, setup: Setup) -> Placement:
    """A new placement, served under ``slug`` from the next request on. Raises :class:`Refused`."""
    check(setup, slug=slug)
    if Placement.objects.filter(slug=slug).exists():
        raise Refused({"slug": f"Name in the API: “{slug}” is taken already."})
    last = Placement.objects.order_by("-position").values_list("position", flat=True).first()
    placement = Placement(slug=slug, position=min(32_000, (last or 0) + 1))
    return _write(placement, setup)


@transaction.atomic
def change(*, slug: str, setup: Setup, seen: datetime | None = None) -> Placement:
    """The placement under another setup. ``seen``: when it had been changed last as it was read; raises
    :class:`Changed` where it was changed since, :class:`Refused` and ``Placement.DoesNotExist``."""
    placement = Placement.objects.select_for_update().get(slug=slug)
    if seen is not None and placement.updated_at != seen:
        raise Changed(placement)
    check(setup)
    _stands_still(placement)
    if not setup.is_active:
        _keep_one(placement)
    return placement if setup == setup_of(placement) else _write(placement, setup)


@transaction.atomic
def delete(*, slug: str) -> Setup:
    """Remove one of the shop's own; returns what it was. The API knows its name no more; what is counted of it stays.

    Raises :class:`Refused` for a built-in one and for the last one that is active.
    """
    placement = Placement.objects.select_for_update().get(slug=slug)
    if placement.is_builtin:
        raise Refused({"slug": f"“{placement.title}” is built in: switch it off instead of deleting it."})
    _stands_still(placement)
    _keep_one(placement)
    was = setup_of(placement)
    placement.delete()
    transaction.on_commit(lambda: services.note_settings("placements"))
    return was


def _stands_still(placement: Placement) -> None:
    running = Experiment.objects.filter(placement=placement.slug, status=Experiment.Status.RUNNING).first()
    if running:
        raise UnderExperiment(placement, running)


def _keep_one(placement: Placement) -> None:
    """Serving takes no active placement at all for a database that cannot be read."""
    others = Placement.objects.select_for_update().filter(is_active=True).exclude(pk=placement.pk)
    if not others.exists():
        raise Refused({"is_active": f"“{placement.title}” is the last placement that is on: it stays on."})


def _write(placement: Placement, setup: Setup) -> Placement:
    for name, value in setup.to_dict().items():
        setattr(placement, name, value)
    placement.title = setup.title.strip()
    placement.save()
    transaction.on_commit(lambda: services.note_settings("placements"))
    return placement
