"""Lists of products as tiles, alone and side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from recsite.dashboard.components import Action, Badge, ReasonChip
from recsite.dashboard.names import Named, apart
from recsite.dashboard.tiles import Tile


@dataclass(frozen=True)
class Move:
    """How a rank differs from the other list's: up and down are no judgement, so neither is green nor red."""

    template: ClassVar[str] = "partials/move.html"
    kind: str  # up, down, same, new or leaves
    by: int = 0


@dataclass(frozen=True)
class TileCard:
    """A product in a list: tile M with the name beneath, rank, move, price, reason; ``note`` in the place of a price.

    ``conflict`` outlines it in the warning colour, ``selected`` in the accent.
    """

    template: ClassVar[str] = "partials/tile_card.html"
    tile: Tile
    name: str
    href: str = ""
    rank: int | None = None
    move: Move | None = None
    price: str = ""
    chip: ReasonChip | None = None
    notes: Sequence[str] = ()
    selected: bool = False
    conflict: bool = False
    key: str = ""  # product id, for the keyboard and for tests
    brand: str = ""  # to tell it from another of the same name


@dataclass(frozen=True)
class TileList:
    """Cards in rows of five or eight; below 720 px a strip to swipe when ``strip``, else two to a row.

    Of equal names (and sizes on the tile) each is told apart by its brand or number.
    """

    template: ClassVar[str] = "partials/tiles.html"
    cards: Sequence[TileCard]
    label: str
    columns: int = 5
    strip: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "cards", _apart(self.cards))


def _apart(cards: Sequence[TileCard]) -> list[TileCard]:
    words = apart([Named(card.name, card.brand, card.key, card.tile.label) for card in cards])
    return [card if card.name == word else replace(card, name=word) for card, word in zip(cards, words, strict=True)]


def _apart_in_both(a: Sequence[TileCard], b: Sequence[TileCard]) -> tuple[list[TileCard], list[TileCard]]:
    each = {card.key: card for card in (*a, *b)}
    names = {card.key: card.name for card in _apart(list(each.values()))}
    left, right = ([replace(card, name=names[card.key]) for card in cards] for cards in (a, b))
    return left, right


@dataclass(frozen=True)
class ListCard:
    """One side of a comparison: its mark (A or B), what made it, and whether that serves."""

    mark: str
    title: str
    state: str
    tiles: TileList
    badge: Badge | None = None
    empty: str = "This list is empty."


@dataclass(frozen=True)
class Summary:
    """What differs between two lists: shared, new, leaving, moved by rules (None: neither list has rules), mean move of
    the shared in ranks."""

    shared: int
    size: int
    new: int
    leaving: int
    by_rules: int | None
    mean_move: float

    @property
    def mean_move_text(self) -> str:
        return f"{self.mean_move:.1f}"


@dataclass(frozen=True)
class SideBySide:
    template: ClassVar[str] = "partials/side_by_side.html"
    a: ListCard
    b: ListCard
    summary: Summary
    action: Action | None = None


def moves(before: Sequence[str], after: Sequence[str]) -> tuple[list[Move | None], list[Move]]:
    """The marks of two lists of ids: what leaves on the first, how each rank came about on the second."""
    ranks = {key: rank for rank, key in enumerate(before)}
    kept = set(after)
    return [None if key in kept else Move("leaves") for key in before], [
        _move(ranks.get(key), rank) for rank, key in enumerate(after)
    ]


def moved(before: Sequence[str], cards: Sequence[TileCard]) -> list[TileCard]:
    """The cards with how each rank came about since a list of the ids ``before``."""
    marks = moves(before, [card.key for card in cards])[1]
    return [replace(card, move=mark) for card, mark in zip(cards, marks, strict=True)]


def _move(before: int | None, after: int) -> Move:
    if before is None:
        return Move("new")
    if before == after:
        return Move("same")
    return Move("up" if before > after else "down", abs(before - after))


def summary(before: Sequence[str], after: Sequence[str], by_rules: int | None = 0) -> Summary:
    """Count what two lists of ids share; ``by_rules`` is how many of the second a rule moved."""
    ranks = {key: rank for rank, key in enumerate(before)}
    distances = [abs(ranks[key] - rank) for rank, key in enumerate(after) if key in ranks]
    shared = len(distances)
    mean = sum(distances) / shared if shared else 0.0
    return Summary(shared, max(len(before), len(after)), len(after) - shared, len(before) - shared, by_rules, mean)


def with_moves(a: Sequence[TileCard], b: Sequence[TileCard]) -> tuple[list[TileCard], list[TileCard]]:
    """The same cards with their marks, matched by ``key``; equal names are told apart over both lists, so that one name
    is one product."""
    a, b = _apart_in_both(a, b)
    left, right = moves([card.key for card in a], [card.key for card in b])
    return [replace(card, move=move) for card, move in zip(a, left, strict=True)], [
        replace(card, move=move) for card, move in zip(b, right, strict=True)
    ]
