"""The merchandiser's rules over a ranked list: ranked items + rules → list + what each rule did.

The order is fixed, whatever the rules are called or when they were made:

1. **only** – what does not match leaves; several narrow each other.
2. **exclude** – what matches leaves. It wins over every pin.
3. **boost, bury** – a factor f moves a score by log2(f) standard deviations of this list's
   scores: doubling is one. Factors of several rules multiply.
4. **spread** – of what matches, at most ``limit`` of one brand or category stay, the best first;
   pinned products count first and always stay.
5. **pin** – the product stands at its position. Where two want one position, the one that
   runs first has it and the other takes the next one that no pin asks for.

Within a step rules run by (priority, id). Everything is a pure function of its arguments, so
removing a rule restores the list.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from recommender import walls
from recommender.compiled_rules import CompiledRule, Context, step_of
from recommender.conditions import Shelf
from recommender.ranked import Ranked, Step, Trace


def in_scope(rules: Sequence[CompiledRule], context: Context) -> list[CompiledRule]:
    """The rules that apply here and now, in running order."""
    return sorted((rule for rule in rules if rule.applies(context)), key=running_order)


def running_order(rule: CompiledRule) -> tuple[int, int, int]:
    """What rules are sorted by: the step of the verb, then priority, then age."""
    return step_of(rule.verb), rule.priority, rule.id


def named_by_pins(rules: Sequence[CompiledRule], context: Context) -> np.ndarray:
    """int64 codes of the products that pins in scope call by id: score them along with the candidates."""
    names = [name for rule in rules if rule.verb == "pin" and rule.applies(context) for name in rule.condition.products]
    return context.shelf.codes_of(dict.fromkeys(names)) if names else np.empty(0, dtype=np.int64)


def apply(
    ranked: Ranked, rules: Sequence[CompiledRule], context: Context, *, told: int | None = None
) -> tuple[Ranked, Trace]:
    """The list under the rules, and what each did. Hand in everything that may be shown, fallbacks
    at the end, more than is needed: rules only remove, move and pin. ``told``: steps are told of the
    first so many of the new list only (None: of all), for words cost more than the rules."""
    live = in_scope(rules, context)
    if not live:
        return ranked, Trace()
    run = _Run(ranked, context)
    for rule in live:
        if rule.verb in ("only", "exclude"):
            run.filter(rule)
    run.lift([rule for rule in live if rule.verb in ("boost", "bury")])
    run.choose_pins([rule for rule in live if rule.verb == "pin"])
    for rule in live:
        if rule.verb == "spread":
            run.spread(rule)
    run.place_pins()
    return run.ranked, run.trace(live, told)


class _Run:
    """One application: the list as it stands between two steps."""

    def __init__(self, ranked: Ranked, context: Context) -> None:
        self.ranked = ranked
        self.context = context
        # Of the list as it came, so that an exclude does not change how far a boost reaches.
        finite = ranked.scores[np.isfinite(ranked.scores)]
        self.deviation = float(finite.std()) if len(finite) > 1 else 1.0
        self.notes: list[_Note] = []
        self.removed: dict[int, int] = {}
        self.walls: list[CompiledRule] = []  # only and exclude: a pin brings nothing past them
        self.pins: list[tuple[CompiledRule, int]] = []

    def matches(self, rule: CompiledRule, items: np.ndarray) -> np.ndarray:
        return rule.condition.matches(self.context.shelf, items, at=self.context.at)

    def note(self, rule: CompiledRule, items: np.ndarray, word: Callable[[int], tuple[bool, str]]) -> None:
        """``rule`` did something to ``items``; ``word`` says of the place in them whether it changed and how."""
        if len(items):
            self.notes.append(_Note(rule, items, word))

    def remove(self, rule: CompiledRule, keep: np.ndarray) -> None:
        for item in self.ranked.items[~keep].tolist():
            self.removed[item] = rule.id
        self.ranked = self.ranked.take(keep)

    def filter(self, rule: CompiledRule) -> None:
        matched = self.matches(rule, self.ranked.items)
        keep = matched if rule.verb == "only" else ~matched
        self.walls.append(rule)
        if rule.verb == "only":
            self.note(rule, self.ranked.items[keep], _said(not keep.all(), "stays: it matches"))
        self.remove(rule, keep)

    def passes(self, items: np.ndarray) -> np.ndarray:
        """bool: which may be shown at all, for what a pin brings from outside the list."""
        allowed = walls.let_through(self.walls, self.context, items)
        return allowed if self.context.sellable is None else allowed & self.context.sellable[items]

    def lift(self, rules: list[CompiledRule]) -> None:
        if not rules or not len(self.ranked):
            return
        items = self.ranked.items
        shift = np.zeros(len(items))
        masks = [self.matches(rule, items) for rule in rules]
        for rule, mask in zip(rules, masks, strict=True):
            shift[mask] += np.log2(rule.factor) * (self.deviation or 1.0)
        # What the model gave no score goes on standing behind what it scored.
        known = np.isfinite(self.ranked.scores)
        lowest = self.ranked.scores[known].min() if known.any() else 0.0
        scores = np.where(known, self.ranked.scores, lowest) + shift
        order = np.lexsort((np.arange(len(items)), -scores))
        before = np.arange(1, len(items) + 1)[order]
        self.ranked = self.ranked.take(order)
        for rule, mask in zip(rules, masks, strict=True):
            places = np.flatnonzero(mask[order])
            self.note(rule, self.ranked.items[places], _lifted(rule, before[places], places + 1))

    def choose_pins(self, rules: list[CompiledRule]) -> None:
        """One item a rule: of the products it names the first that may be shown, else the best that matches."""
        for rule in rules:
            taken = {item for _, item in self.pins}
            if rule.condition.products:
                named = self.context.shelf.codes_of(rule.condition.products)
                choice = named[self.matches(rule, named) & self.passes(named)]
            else:
                choice = self.ranked.items[self.matches(rule, self.ranked.items)]
            free = [item for item in choice.tolist() if item not in taken]
            if free:
                self.pins.append((rule, free[0]))

    def spread(self, rule: CompiledRule) -> None:
        groups = groups_of(self.context.shelf, rule, self.ranked.items)
        matched = self.matches(rule, self.ranked.items) & (groups >= 0)
        pinned = {item for _, item in self.pins}
        counts: dict[int, int] = {}
        keep = np.ones(len(self.ranked), dtype=bool)
        outside = np.array([item for _, item in self.pins], dtype=np.int64)
        if len(outside):
            held = groups_of(self.context.shelf, rule, outside)[self.matches(rule, outside)]
            for group in held[held >= 0].tolist():
                counts[group] = counts.get(group, 0) + 1
        places = np.flatnonzero(matched)
        rows = zip(places.tolist(), groups[places].tolist(), self.ranked.items[places].tolist(), strict=True)
        for place, group, item in rows:
            if item in pinned:
                continue
            if counts.get(group, 0) >= rule.limit:
                keep[place] = False
            else:
                counts[group] = counts.get(group, 0) + 1
        moved = keep & matched & (np.cumsum(~keep) > 0)
        text = f"moved up: at most {rule.limit} of one {rule.by}"
        self.note(rule, self.ranked.items[moved], _said(True, text))
        self.remove(rule, keep)

    def place_pins(self) -> None:
        if not self.pins:
            return
        pinned = np.array([item for _, item in self.pins], dtype=np.int64)
        before = {item: place + 1 for place, item in enumerate(self.ranked.items.tolist())}
        score = dict(zip(self.ranked.items.tolist(), self.ranked.scores.tolist(), strict=True))
        rest = self.ranked.items[~np.isin(self.ranked.items, pinned)].tolist()
        at = self._places_of_pins()
        placed: list[int] = []
        queue = iter(rest)
        for position in range(1, max(at) + 1):
            item = at[position] if position in at else next(queue, -1)
            if item >= 0:
                placed.append(item)
        placed.extend(queue)
        where = {item: place + 1 for place, item in enumerate(placed)}
        for rule, item in self.pins:
            was, now = before.get(item), where[item]
            text = f"pinned to {now}" + (f", was {was}" if was else ", was not in the list")
            self.note(rule, np.array([item]), _said(was != now, text))
        scores = np.array([score.get(item, np.nan) for item in placed], dtype=np.float32)
        self.ranked = Ranked(np.array(placed, dtype=np.int64), scores)

    def _places_of_pins(self) -> dict[int, int]:
        """Item by position. Who runs first has what it asks for; whoever finds it taken gives way to all others."""
        at: dict[int, int] = {}
        late = []
        for rule, item in self.pins:
            if at.setdefault(rule.position, item) != item:
                late.append((rule, item))
        for rule, item in late:
            position = rule.position
            while position in at:
                position += 1
            at[position] = item
        return at

    def trace(self, live: list[CompiledRule], told: int | None) -> Trace:
        steps: dict[int, list[Step]] = {}
        shown = self.ranked.items if told is None else self.ranked.items[:told]
        for note in self.notes:
            for place in np.flatnonzero(np.isin(note.items, shown)).tolist():
                changed, text = note.word(place)
                step = Step(note.rule.id, note.rule.name, note.rule.verb, changed, text)
                steps.setdefault(int(note.items[place]), []).append(step)
        touched = {note.rule.id for note in self.notes} | set(self.removed.values())
        idle = tuple(rule.id for rule in live if rule.id not in touched)
        pinned = tuple(item for _, item in self.pins)
        return Trace({item: tuple(found) for item, found in steps.items()}, self.removed, idle, pinned)


@dataclass(frozen=True)
class _Note:
    """What a rule did to ``items``, put into words only for those that are shown."""

    rule: CompiledRule
    items: np.ndarray
    word: Callable[[int], tuple[bool, str]]


def _said(changed: bool, text: str) -> Callable[[int], tuple[bool, str]]:
    return lambda place: (changed, text)


def _lifted(rule: CompiledRule, before: np.ndarray, after: np.ndarray) -> Callable[[int], tuple[bool, str]]:
    def word(place: int) -> tuple[bool, str]:
        was, now = int(before[place]), int(after[place])
        return was != now, f"× {rule.factor:g}: rank {f'{was} → {now}' if was != now else 'unchanged'}"

    return word


def groups_of(shelf: Shelf, rule: CompiledRule, items: np.ndarray) -> np.ndarray:
    """int [m]: a spread's group of each item, −1 where the value is missing."""
    if rule.by == "brand":
        return shelf.brand.codes[items]
    if rule.by == "category":
        return shelf.category_level(rule.level).codes[items]
    if rule.by in shelf.attributes:
        return shelf.attributes[rule.by].codes[items]
    return np.full(len(items), -1, dtype=np.int32)
