"""Conflicts of rules as a person reads them: a title with dates, who wins, and what would solve it.

A fix is a change of one rule's wording; the list applies it to the stored rule, the editor to what is being written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from recommender import conflicts
from recommender.compiled_rules import CompiledRule
from recommender.conflicts import Conflict
from recommender.rulebook import Wording
from recommender.rules import running_order
from recommender.state import State
from recsite.dashboard import numbers
from recsite.dashboard.rule_words import Names, where

ANY = -1  # no rule is being edited


@dataclass(frozen=True)
class Fix:
    """``do``: position, start, priority, leave, open or limit; applied by :func:`fixed` to the rule ``rule``."""

    label: str
    rule: int
    do: str
    value: str = ""


@dataclass(frozen=True)
class Told:
    """A conflict in words; ``rules`` by id, the ones that a person may want to open, pause or end."""

    conflict: Conflict
    title: str
    text: str
    fixes: Sequence[Fix]

    @property
    def rules(self) -> tuple[int, ...]:
        return self.conflict.rules


def find(
    rules: Sequence[CompiledRule],
    held: State,
    sizes: Mapping[str, int],
    names: Names,
    *,
    at: float,
    mine: int = ANY,
    drafts: Collection[int] = (),
) -> list[Told]:
    """The conflicts of ``rules`` from ``at`` on, over the catalogue as serving holds it.

    ``mine``: the rule that is being edited, the only one to be changed; without one a draft is to give way, else the
    loser.
    """
    found = conflicts.conflicts(
        rules,
        held.catalogue.shelf,
        sizes=sizes,
        at=at,
        sellable=held.catalogue.sellable,
        titles=names.placements,
    )
    by_id = {rule.id: rule for rule in rules}
    return [
        Told(one, _title(one, by_id, names), one.text, list(_fixes(one, by_id, sizes, names, mine, drafts)))
        for one in found
    ]


def fixed(wording: Wording, do: str, value: str) -> Wording:
    """The wording after a fix; raises ``ValueError`` for one that is not known or cannot be read."""
    if do == "position":
        return replace(wording, parameters={**wording.parameters, "position": int(value)})
    if do == "start":
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError(f"start: expected a time with its zone, received {value!r}")
        return replace(wording, starts_at=at)
    if do == "priority":
        return replace(wording, priority=int(value))
    if do == "leave":
        return replace(wording, placements=tuple(value.split(",")))
    if do == "open":
        return replace(wording, ends_at=None)
    if do == "limit":
        return replace(wording, parameters={**wording.parameters, "limit": int(value)})
    raise ValueError(f"expected position, start, priority, leave, open or limit; received {do!r}")


def _title(conflict: Conflict, by_id: Mapping[int, CompiledRule], names: Names) -> str:
    rules = [by_id[one] for one in conflict.rules]
    slugs = [slug for slug in conflict.placement.split(", ") if slug]
    place = where(slugs, names, on=True)
    dates = _dates(rules)
    if conflict.code == "same_position":
        return f"Two rules want position {rules[0].position} {place}{dates}."
    if conflict.code == "beyond_list":
        return f"No list is so long {place}{dates}."
    if conflict.code in ("excluded_pin", "not_only_pin"):
        return f"A pin cannot show {place}{dates}."
    if conflict.code == "too_few_left":
        return f"Too few products are left {place}{dates}."
    if conflict.code == "too_strict":
        return f"A spread leaves lists short {place}{dates}."
    if conflict.code == "gone_placement":
        return "This rule is for a placement that is no more."
    if conflict.code == "overlapping_boosts":
        return f"Two rules move the same products {place}{dates}."
    return "This rule will not run." if conflict.code == "never_runs" else "This rule does nothing."


def _dates(rules: Sequence[CompiledRule]) -> str:
    """When all of them run: `` from 18 Dec 00:00 to 24 Dec 00:00``."""
    start = max((rule.starts_at for rule in rules if rule.starts_at is not None), default=None)
    end = min((rule.ends_at for rule in rules if rule.ends_at is not None), default=None)
    words = [f"from {numbers.moment(_at(start))}"] if start is not None else []
    words += [f"to {numbers.moment(_at(end))}" if words else f"until {numbers.moment(_at(end))}"] if end else []
    return f" {' '.join(words)}" if words else ""


def _fixes(
    conflict: Conflict,
    by_id: Mapping[int, CompiledRule],
    sizes: Mapping[str, int],
    names: Names,
    mine: int,
    drafts: Collection[int],
) -> Iterator[Fix]:
    rules = [by_id[one] for one in conflict.rules]
    if conflict.code == "same_position":
        loser = _yielding(rules, mine, drafts)
        other = next(rule for rule in rules if rule is not loser)
        yield from _move(loser, by_id.values(), sizes)
        yield from _wait(loser, other)
        yield from _let_win(loser, other)
    elif conflict.code == "beyond_list":
        last = min(sizes[slug] for slug in conflict.placement.split(", "))
        yield Fix(f"Move “{rules[0].name}” to position {last}", rules[0].id, "position", str(last))
    elif conflict.code in ("excluded_pin", "not_only_pin"):
        wall, pin = rules
        if mine in (ANY, pin.id):
            yield from _wait(pin, wall)
    elif conflict.code == "too_few_left":
        for rule in rules:
            if mine in (ANY, rule.id):
                yield from _leave(rule, conflict.placement, sizes, names)
    elif conflict.code == "too_strict" and mine in (ANY, rules[0].id):
        if conflict.limit is not None:
            yield Fix(f"Let {conflict.limit} of one {rules[0].by} stay", rules[0].id, "limit", str(conflict.limit))
        yield from _leave(rules[0], conflict.placement, sizes, names)
    elif conflict.code == "gone_placement":
        rest = sorted(rules[0].placements - set(conflict.placement.split(", ")))
        if rest:
            yield Fix(f"Leave it out of “{rules[0].name}”", rules[0].id, "leave", ",".join(rest))
    elif conflict.code == "overlapping_boosts":
        later = _yielding(rules, mine, drafts)
        yield from _wait(later, next(rule for rule in rules if rule is not later))
    elif conflict.code == "never_runs" and rules[0].ends_at is not None:
        yield Fix(f"Let “{rules[0].name}” run without an end", rules[0].id, "open")


def _yielding(rules: Sequence[CompiledRule], mine: int, drafts: Collection[int]) -> CompiledRule:
    """Which of them is to give way: the one being edited, else a draft, else the one that runs last."""
    if edited := [rule for rule in rules if rule.id == mine]:
        return edited[0]
    return next((rule for rule in reversed(rules) if rule.id in drafts), rules[-1])


def _move(rule: CompiledRule, every: Iterable[CompiledRule], sizes: Mapping[str, int]) -> Iterator[Fix]:
    """To the next position that no pin of the same lists has."""
    pins = [one for one in every if one.verb == "pin" and one is not rule]
    taken = {
        pin.position for pin in pins if not pin.placements or not rule.placements or pin.placements & rule.placements
    }
    last = min((sizes[slug] for slug in rule.placements or sizes if slug in sizes), default=0)
    free = next((position for position in range(rule.position + 1, last + 1) if position not in taken), None)
    if free is not None:
        yield Fix(f"Move “{rule.name}” to position {free}", rule.id, "position", str(free))


def _wait(rule: CompiledRule, other: CompiledRule) -> Iterator[Fix]:
    """Begin when the other one is over, where there is time left then."""
    if other.ends_at is not None and (rule.ends_at is None or rule.ends_at > other.ends_at):
        at = _at(other.ends_at)
        yield Fix(f"Start “{rule.name}” on {numbers.moment(at)}", rule.id, "start", at.isoformat())


def _let_win(rule: CompiledRule, other: CompiledRule) -> Iterator[Fix]:
    wins = running_order(rule) < running_order(other)
    if wins:
        yield Fix(f"Let “{other.name}” win", rule.id, "priority", str(other.priority + 1))
    elif other.priority > 1:
        yield Fix(f"Let “{rule.name}” win", rule.id, "priority", str(other.priority - 1))


def _leave(rule: CompiledRule, placement: str, sizes: Mapping[str, int], names: Names) -> Iterator[Fix]:
    rest = [slug for slug in sizes if slug != placement and (not rule.placements or slug in rule.placements)]
    if rest:
        yield Fix(f"Leave {names.placement(placement)} out of “{rule.name}”", rule.id, "leave", ",".join(rest))


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
