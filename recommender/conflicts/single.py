"""What is wrong with one rule, whatever the others do."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conditions import DAY
from recommender.conflicts.scene import Conflict, Scene

LOOK_AHEAD = 8 * DAY  # each weekday, whole


def of_rule(rule: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    yield from _never_runs(rule, scene.at)
    yield from _never_matches(rule, scene)
    yield from _gone_placement(rule, scene)
    yield from _beyond_list(rule, scene)


def _never_runs(rule: CompiledRule, at: float) -> Iterator[Conflict]:
    if rule.ends_at is not None and rule.ends_at <= at:
        yield Conflict("never_runs", (rule.id,), "", f"“{rule.name}” has ended and will not run again.")
    elif not _ever_open(rule, at):
        yield Conflict("never_runs", (rule.id,), "", f"“{rule.name}” ends before its days and hours come round.")


def _ever_open(rule: CompiledRule, at: float) -> bool:
    """Whether the schedule holds at some moment of the rule's next eight days: now, or when its hours open."""
    if rule.schedule is None:
        return True
    start = max(at, rule.starts_at or at)
    end = min(rule.ends_at or np.inf, start + LOOK_AHEAD)
    return any(rule.schedule.holds(moment) for moment in (start, *rule.schedule.openings(start)) if moment < end)


def _never_matches(rule: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    reach = scene.reach(rule)
    if not reach.any():
        text = f"“{rule.name}” matches no product of the catalogue."
    elif not (reach & scene.sellable).any():
        many = int(reach.sum())
        what = "the product it matches is" if many == 1 else f"all {many:,} products it matches are"
        text = f"“{rule.name}” can do nothing now: {what} hidden, retired or out of stock."
    else:
        return
    yield Conflict("never_matches", (rule.id,), "", text)


def _gone_placement(rule: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    """Placements of the rule that were deleted since."""
    gone = sorted(rule.placements - scene.titles.keys()) if scene.titles is not None else []
    if not gone:
        return
    names, verb = " and ".join(f"“{slug}”" for slug in gone), "was" if len(gone) == 1 else "were"
    rest = "" if rule.placements - set(gone) else " Nothing else is left for it to run on."
    text = f"“{rule.name}” is for {names}, which {verb} deleted: no list there will ask for it.{rest}"
    yield Conflict("gone_placement", (rule.id,), ", ".join(gone), text)


def _beyond_list(rule: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    """Placements whose lists end before the position of a pin: the product would even leave a list that it is in."""
    slugs = [slug for slug in scene.sizes if not rule.placements or slug in rule.placements]
    short = [slug for slug in slugs if rule.verb == "pin" and rule.position > scene.sizes[slug]]
    if not short:
        return
    lists = ", ".join(f"{scene.title(slug)} shows {scene.sizes[slug]}" for slug in short)
    text = f"“{rule.name}” pins to position {rule.position}, but {lists}: what it pins is not seen there."
    yield Conflict("beyond_list", (rule.id,), ", ".join(short), text)
