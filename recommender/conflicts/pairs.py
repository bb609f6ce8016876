"""Two rules that can run on one request and undo each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conditions import Shelf
from recommender.conflicts.scene import Conflict, Scene

LIFTS = ("boost", "bury")


def of_pair(first: CompiledRule, second: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    """``first`` runs before ``second``."""
    yield from _same_position(first, second, scene)
    yield from _walled_pin(first, second, scene)
    yield from _overlapping_boosts(first, second, scene)


def _same_position(first: CompiledRule, second: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    if not (first.verb == second.verb == "pin" and first.position == second.position):
        return
    where, place = _where(first, second, scene)
    text = (
        f"“{first.name}” and “{second.name}” both pin to position {first.position}{place}. "
        f"“{first.name}” runs first and gets it; “{second.name}” moves to the next position that no pin asks for."
    )
    yield Conflict("same_position", (first.id, second.id), where, text, winner=first.id)


def _walled_pin(first: CompiledRule, second: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    """An exclude that takes all that a pin may bring, or an only that lets none of it through."""
    pinned = scene.reach(second)
    if second.verb != "pin" or first.verb not in ("exclude", "only") or not pinned.any():
        return
    passes = ~scene.reach(first) if first.verb == "exclude" else scene.reach(first)
    if (pinned & passes).any():
        return
    where, place = _where(first, second, scene)
    code, does = ("excluded_pin", "excludes") if first.verb == "exclude" else ("not_only_pin", "does not let through")
    text = (
        f"“{first.name}” {does} {_what(pinned, scene.shelf)}, which “{second.name}” pins{place}. "
        f"The {first.verb} wins: it is not shown."
    )
    yield Conflict(code, (first.id, second.id), where, text, winner=first.id)


def _overlapping_boosts(first: CompiledRule, second: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    if first.verb not in LIFTS or second.verb not in LIFTS:
        return
    shared = int((scene.reach(first) & scene.reach(second)).sum())
    if not shared:
        return
    where, place = _where(first, second, scene)
    factor = first.factor * second.factor
    goods = "1 product" if shared == 1 else f"{shared:,} products"
    result = "they cancel out." if abs(factor - 1) < 1e-9 else f"together × {factor:g}."
    text = (
        f"“{first.name}” (× {first.factor:g}) and “{second.name}” (× {second.factor:g}) "
        f"both touch {goods}{place}: {result}"
    )
    yield Conflict("overlapping_boosts", (first.id, second.id), where, text)


def _where(first: CompiledRule, second: CompiledRule, scene: Scene) -> tuple[str, str]:
    """The placements of both, as a conflict keeps them and as a sentence says them; empty: everywhere."""
    one, two = first.placements, second.placements
    slugs = sorted(one & two if one and two else one or two)
    return ", ".join(slugs), f" on {', '.join(map(scene.title, slugs))}" if slugs else ""


def _what(reach: np.ndarray, shelf: Shelf) -> str:
    codes = np.flatnonzero(reach)
    return f"№ {shelf.external_ids[codes[0]]}" if len(codes) == 1 else f"all {len(codes):,} products"


# --- Whether they ever meet ---


def can_meet(first: CompiledRule, second: CompiledRule, at: float) -> bool:
    """Whether one request from ``at`` on can have both in scope."""
    starts = max(first.starts_at or at, second.starts_at or at, at)
    ends = min(first.ends_at or np.inf, second.ends_at or np.inf)
    return (
        starts < ends
        and (not first.placements or not second.placements or bool(first.placements & second.placements))
        and (not first.segments or not second.segments or bool(first.segments & second.segments))
        and _days_meet(first, second)
    )


def _days_meet(first: CompiledRule, second: CompiledRule) -> bool:
    """Whether the weekdays of the two schedules share one; hours and zones are not compared."""
    one = first.schedule.weekdays if first.schedule else ()
    two = second.schedule.weekdays if second.schedule else ()
    return not one or not two or bool(set(one) & set(two))
