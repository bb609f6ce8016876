"""Search as one types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from recsite.dashboard.tiles import Tile


@dataclass(frozen=True)
class SearchBox:
    """Search as one types, as a combobox: ``url`` answers ``?q=`` with ``SearchResults``.

    With ``name`` the chosen result's value goes into a hidden field of the surrounding form; without, a result is a
    link to follow. ``text`` is what the field shows now, ``value`` what the hidden field holds.
    """

    template: ClassVar[str] = "partials/search_box.html"
    id: str
    label: str
    url: str
    placeholder: str = ""
    name: str = ""
    value: str = ""
    text: str = ""
    submit: bool = False  # send the form when something is chosen


@dataclass(frozen=True)
class SearchOption:
    """One result: ``name`` is cut into (text, matched) pieces by ``search.pieces``."""

    value: str
    name: Sequence[tuple[str, bool]]
    note: str = ""
    href: str = ""
    tile: Tile | None = None

    @property
    def text(self) -> str:
        return "".join(piece for piece, _ in self.name)


@dataclass(frozen=True)
class SearchGroup:
    heading: str
    options: Sequence[SearchOption]


@dataclass(frozen=True)
class SearchResults:
    """What a search found, in groups; ``none`` says what to do when there is nothing."""

    template: ClassVar[str] = "partials/search_results.html"
    id: str  # of the search box
    groups: Sequence[SearchGroup]
    none: str = ""
    summary: str = ""  # read out: "3 of 68,509"

    @property
    def found(self) -> bool:
        return any(group.options for group in self.groups)


def pieces(text: str, typed: str) -> list[tuple[str, bool]]:
    """Cut a name where what was typed occurs, so that the template can mark it: [("Main", False), ("str", True)]."""
    at = text.casefold().find(typed.casefold()) if typed.strip() else -1
    if at < 0:
        return [(text, False)]
    end = at + len(typed)
    return [piece for piece in ((text[:at], False), (text[at:end], True), (text[end:], False)) if piece[0]]
