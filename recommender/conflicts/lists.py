"""Lists that rules leave too short."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conflicts.scene import Conflict, Scene
from recommender.rules import groups_of


def too_few_left(scene: Scene) -> Iterator[Conflict]:
    """Placements whose only and exclude rules together leave fewer products than a list holds."""
    reported: set[tuple[str, tuple[int, ...]]] = set()
    for placement, running in _running_walls(scene):
        key = (placement, tuple(rule.id for rule in running))
        if key in reported:
            continue
        many, size = int(scene.let_through(running).sum()), scene.sizes[placement]
        if many < size:
            reported.add(key)
            names = " and ".join(f"“{rule.name}”" for rule in running)
            leave = "leaves" if len(running) == 1 else "together leave"
            text = f"{names} {leave} {many:,} of the {size} products that {scene.title(placement)} shows."
            yield Conflict("too_few_left", key[1], placement, text)


def _running_walls(scene: Scene) -> Iterator[tuple[str, list[CompiledRule]]]:
    """The only and exclude rules that run together on a placement: at the start of every one of them, for each segment
    that one names and for everyone else."""
    walls = scene.walls
    segments = {"", *(segment for rule in walls for segment in rule.segments)}
    moments = sorted({max(scene.at, rule.starts_at or scene.at) for rule in walls})
    for placement in scene.sizes:
        for segment in sorted(segments):
            for moment in moments:
                if running := [rule for rule in walls if _runs(rule, placement, segment, moment)]:
                    yield placement, running


def too_strict(rule: CompiledRule, scene: Scene) -> Iterator[Conflict]:
    """Placements whose lists a spread shortens: what it lets stay of all that only and exclude let through is less
    than a list holds, though there was enough before."""
    groups = groups_of(scene.shelf, rule, np.arange(len(scene.shelf)))
    moment = max(scene.at, rule.starts_at or scene.at)
    for placement, size in scene.sizes.items():
        if not _runs(rule, placement, min(rule.segments, default=""), moment):
            continue
        walls = [wall for wall in scene.walls if not wall.segments and _runs(wall, placement, "", moment)]
        left = scene.let_through(walls)
        thinned = left & scene.reach(rule) & (groups >= 0)
        members = np.bincount(groups[thinned])
        free = int((left & ~thinned).sum())
        stay = free + _staying(members, rule.limit)
        if int(left.sum()) < size or stay >= size:
            continue
        limits = range(rule.limit + 1, int(members.max()) + 1)
        enough = next((limit for limit in limits if free + _staying(members, limit) >= size), None)
        text = (
            f"“{rule.name}” lets at most {rule.limit} of one {rule.by} stay: of the {size} products that "
            f"{scene.title(placement)} shows only {stay:,} are left."
        )
        yield Conflict("too_strict", (rule.id,), placement, text, limit=enough)


def _staying(members: np.ndarray, limit: int) -> int:
    """Of groups with so many ``members``, how many products stay at ``limit`` each."""
    return int(np.minimum(members, limit).sum())


def _runs(rule: CompiledRule, placement: str, segment: str, moment: float) -> bool:
    """Whether the rule is in scope; days and hours are not looked at."""
    return (
        (not rule.placements or placement in rule.placements)
        and (not rule.segments or segment in rule.segments)
        and (rule.starts_at is None or rule.starts_at <= moment)
        and (rule.ends_at is None or moment < rule.ends_at)
    )
