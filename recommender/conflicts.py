"""Rules that get in each other's way, found while they are edited and named in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from recommender.compiled_rules import CompiledRule
from recommender.conditions import DAY, Shelf
from recommender.rules import groups_of, running_order


@dataclass(frozen=True)
class Conflict:
    """What is wrong (``code``), between which rules, where, and what happens: who wins. ``limit``: of a spread that is
    too strict, the smallest that fills the list (None: none does)."""

    # same_position, beyond_list, excluded_pin, not_only_pin, too_few_left, too_strict, gone_placement, never_matches,
    # never_runs, overlapping_boosts
    code: str
    rules: tuple[int, ...]
    placement: str  # empty: everywhere
    text: str
    winner: int | None = None
    limit: int | None = None


#: Codes that only remark on what a person may well have meant.
REMARKS = ("overlapping_boosts",)


def conflicts(
    rules: Sequence[CompiledRule],
    shelf: Shelf,
    *,
    sizes: Mapping[str, int],
    at: float,
    sellable: np.ndarray | None = None,
    titles: Mapping[str, str] | None = None,
) -> list[Conflict]:
    """Every conflict among ``rules`` from ``at`` (seconds since 1970) on.

    ``sizes``: items per list by placement slug. ``sellable``: bool [n items], None for all. ``titles``: what all
    placements that there are, on or off, are called in the words (None: not known).
    """
    ordered = sorted(rules, key=running_order)
    reach = {id(rule): rule.condition.matches(shelf, np.arange(len(shelf)), at=at) for rule in ordered}
    shown = np.ones(len(shelf), dtype=bool) if sellable is None else sellable
    found: list[Conflict] = []
    for rule in ordered:
        found.extend(_alone(rule, reach[id(rule)], shown, at))
        found.extend(_gone(rule, titles))
        found.extend(_beyond(rule, sizes, titles or {}))
    for first, second in combinations(ordered, 2):
        if _overlap(first, second, at):
            found.extend(_pair(first, second, reach[id(first)], reach[id(second)], shelf, titles or {}))
    found.extend(_too_few(ordered, reach, shown, sizes, at, titles or {}))
    for rule in ordered:
        if rule.verb == "spread":
            found.extend(_too_strict(rule, ordered, reach, shelf, shown, sizes, at, titles or {}))
    return found


def _alone(rule: CompiledRule, reach: np.ndarray, sellable: np.ndarray, at: float) -> Iterator[Conflict]:
    if rule.ends_at is not None and rule.ends_at <= at:
        yield Conflict("never_runs", (rule.id,), "", f"“{rule.name}” has ended and will not run again.")
    elif rule.schedule is not None and not _ever_open(rule, at):
        yield Conflict("never_runs", (rule.id,), "", f"“{rule.name}” ends before its days and hours come round.")
    if not reach.any():
        yield Conflict("never_matches", (rule.id,), "", f"“{rule.name}” matches no product of the catalogue.")
    elif not (reach & sellable).any():
        many = int(reach.sum())
        what = "the product it matches is" if many == 1 else f"all {many:,} products it matches are"
        yield Conflict(
            "never_matches",
            (rule.id,),
            "",
            f"“{rule.name}” can do nothing now: {what} hidden, retired or out of stock.",
        )


def _gone(rule: CompiledRule, titles: Mapping[str, str] | None) -> Iterator[Conflict]:
    """Placements of the rule that were deleted since."""
    gone = sorted(rule.placements - titles.keys()) if titles is not None else []
    if not gone:
        return
    names, verb = " and ".join(f"“{slug}”" for slug in gone), "was" if len(gone) == 1 else "were"
    rest = "" if rule.placements - set(gone) else " Nothing else is left for it to run on."
    text = f"“{rule.name}” is for {names}, which {verb} deleted: no list there will ask for it.{rest}"
    yield Conflict("gone_placement", (rule.id,), ", ".join(gone), text)


def _beyond(rule: CompiledRule, sizes: Mapping[str, int], titles: Mapping[str, str]) -> Iterator[Conflict]:
    """Placements whose lists end before the position of a pin: the product would even leave a list that it is in."""
    slugs = [slug for slug in sizes if not rule.placements or slug in rule.placements]
    short = [slug for slug in slugs if rule.verb == "pin" and rule.position > sizes[slug]]
    if not short:
        return
    lists = ", ".join(f"{titles.get(slug, slug)} shows {sizes[slug]}" for slug in short)
    text = f"“{rule.name}” pins to position {rule.position}, but {lists}: what it pins is not seen there."
    yield Conflict("beyond_list", (rule.id,), ", ".join(short), text)


def _pair(
    first: CompiledRule,
    second: CompiledRule,
    reach: np.ndarray,
    other: np.ndarray,
    shelf: Shelf,
    titles: Mapping[str, str],
) -> Iterator[Conflict]:
    """Conflicts of two rules that can run on one request; ``first`` runs before ``second``."""
    slugs = _common_placements(first, second)
    where = ", ".join(slugs)
    place = f" on {', '.join(titles.get(slug, slug) for slug in slugs)}" if slugs else ""
    both = (first.id, second.id)
    if first.verb == second.verb == "pin" and first.position == second.position:
        yield Conflict(
            "same_position",
            both,
            where,
            f"“{first.name}” and “{second.name}” both pin to position {first.position}{place}. "
            f"“{first.name}” runs first and gets it; “{second.name}” moves to the next position that no pin asks for.",
            winner=first.id,
        )
    if second.verb == "pin" and first.verb == "exclude" and other.any() and not (other & ~reach).any():
        yield Conflict(
            "excluded_pin",
            both,
            where,
            f"“{first.name}” excludes {_what(other, shelf)}, which “{second.name}” pins{place}. "
            "The exclude wins: it is not shown.",
            winner=first.id,
        )
    if second.verb == "pin" and first.verb == "only" and other.any() and not (other & reach).any():
        yield Conflict(
            "not_only_pin",
            both,
            where,
            f"“{first.name}” does not let through {_what(other, shelf)}, which “{second.name}” pins{place}. "
            "The only wins: it is not shown.",
            winner=first.id,
        )
    lifts = ("boost", "bury")
    if first.verb in lifts and second.verb in lifts and (shared := int((reach & other).sum())):
        factor = first.factor * second.factor
        goods = "1 product" if shared == 1 else f"{shared:,} products"
        yield Conflict(
            "overlapping_boosts",
            both,
            where,
            f"“{first.name}” (× {first.factor:g}) and “{second.name}” (× {second.factor:g}) both touch {goods}{place}: "
            + ("they cancel out." if abs(factor - 1) < 1e-9 else f"together × {factor:g}."),
        )


def _too_few(
    ordered: Sequence[CompiledRule],
    reach: dict[int, np.ndarray],
    sellable: np.ndarray,
    sizes: Mapping[str, int],
    at: float,
    titles: Mapping[str, str],
) -> Iterator[Conflict]:
    """Placements whose only and exclude rules together leave fewer products than a list holds.

    Tried at the start of every rule that overlaps, for each segment that a rule names and for everyone else.
    """
    walls = [rule for rule in ordered if rule.verb in ("only", "exclude")]
    reported: set[tuple[str, tuple[int, ...]]] = set()
    segments = sorted({segment for rule in walls for segment in rule.segments}) or [""]
    moments = sorted({max(at, rule.starts_at or at) for rule in walls})
    for placement, size in sizes.items():
        for segment in {*segments, ""}:
            for moment in moments:
                running = tuple(rule for rule in walls if _runs(rule, placement, segment, moment))
                key = (placement, tuple(rule.id for rule in running))
                if not running or key in reported:
                    continue
                left = sellable.copy()
                for rule in running:
                    left &= reach[id(rule)] if rule.verb == "only" else ~reach[id(rule)]
                if (many := int(left.sum())) < size:
                    reported.add(key)
                    shown = titles.get(placement, placement)
                    names = " and ".join(f"“{rule.name}”" for rule in running)
                    leave = "leaves" if len(running) == 1 else "together leave"
                    yield Conflict(
                        "too_few_left",
                        key[1],
                        placement,
                        f"{names} {leave} {many:,} of the {size} products that {shown} shows.",
                    )


def _too_strict(
    rule: CompiledRule,
    ordered: Sequence[CompiledRule],
    reach: dict[int, np.ndarray],
    shelf: Shelf,
    sellable: np.ndarray,
    sizes: Mapping[str, int],
    at: float,
    titles: Mapping[str, str],
) -> Iterator[Conflict]:
    """Placements whose lists a spread shortens: what it lets stay of all that only and exclude let through is less
    than a list holds, though there was enough before."""
    groups = groups_of(shelf, rule, np.arange(len(shelf)))
    moment = max(at, rule.starts_at or at)
    for placement, size in sizes.items():
        if not _runs(rule, placement, next(iter(sorted(rule.segments)), ""), moment):
            continue
        left = sellable.copy()
        for wall in ordered:
            if wall.verb in ("only", "exclude") and not wall.segments and _runs(wall, placement, "", moment):
                left &= reach[id(wall)] if wall.verb == "only" else ~reach[id(wall)]
        thinned = left & reach[id(rule)] & (groups >= 0)
        members = np.bincount(groups[thinned]) if thinned.any() else np.zeros(0, np.int64)
        free = int((left & ~thinned).sum())
        stay = free + int(np.minimum(members, rule.limit).sum())
        if int(left.sum()) < size or stay >= size:
            continue
        limits = range(rule.limit + 1, int(members.max()) + 1)
        enough = next((one for one in limits if free + int(np.minimum(members, one).sum()) >= size), None)
        yield Conflict(
            "too_strict",
            (rule.id,),
            placement,
            f"“{rule.name}” lets at most {rule.limit} of one {rule.by} stay: of the {size} products that "
            f"{titles.get(placement, placement)} shows only {stay:,} are left.",
            limit=enough,
        )


def _runs(rule: CompiledRule, placement: str, segment: str, moment: float) -> bool:
    return (
        (not rule.placements or placement in rule.placements)
        and (not rule.segments or segment in rule.segments)
        and (rule.starts_at is None or rule.starts_at <= moment)
        and (rule.ends_at is None or moment < rule.ends_at)
    )


def _overlap(first: CompiledRule, second: CompiledRule, at: float) -> bool:
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


def _ever_open(rule: CompiledRule, at: float) -> bool:
    """Whether the schedule holds at some moment of the rule's next eight days: now, or when its hours open."""
    if rule.schedule is None:
        return True
    start = max(at, rule.starts_at or at)
    end = min(rule.ends_at or np.inf, start + 8 * DAY)
    return any(rule.schedule.holds(moment) for moment in (start, *rule.schedule.openings(start)) if moment < end)


def _common_placements(first: CompiledRule, second: CompiledRule) -> list[str]:
    shared = (
        first.placements & second.placements
        if first.placements and second.placements
        else first.placements or second.placements
    )
    return sorted(shared)


def _what(reach: np.ndarray, shelf: Shelf) -> str:
    codes = np.flatnonzero(reach)
    return f"№ {shelf.external_ids[codes[0]]}" if len(codes) == 1 else f"all {len(codes):,} products"
