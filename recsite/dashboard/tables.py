"""Tables: sortable headers as links, rows that are one link, pages of fifty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.utils.html import escape
from django.utils.safestring import SafeString

from recsite.dashboard.components import Component
from recsite.dashboard.tiles import Tile

PAGE_SIZE = 50


@dataclass(frozen=True)
class Column:
    """``key`` sorts by it where given. ``wide`` columns are left out below 720 px: keep a name and two figures."""

    label: str
    key: str = ""
    numeric: bool = False
    wide: bool = False
    unseen: bool = False  # the label is for readers only: what stands beneath needs no heading to the eye
    marked: bool = False  # a soft accent ground, for the candidate among others
    href: str = ""  # of the sort link, filled in by sorted_columns
    direction: str = ""  # "ascending" or "descending" where the table is sorted by it

    @property
    def arrow(self) -> str:
        return {"ascending": "↑", "descending": "↓"}.get(self.direction, "")


@dataclass(frozen=True)
class Cell:
    """Text, or a component (badge, delta, bar, interval …), with a second line, a tile S, or a link of its own.

    ``tone``: muted, strong, good, warn or bad.
    """

    content: str | Component = ""
    note: str = ""
    tile: Tile | None = None
    href: str = ""
    tone: str = ""
    badge: Component | None = None

    @property
    def is_component(self) -> bool:
        return hasattr(self.content, "template")

    @property
    def is_plain(self) -> bool:
        """Text alone, as nearly all cells of the long tables behind charts are: drawn without looking further."""
        return not (self.note or self.href or self.tile or self.badge or hasattr(self.content, "template"))


@dataclass(frozen=True)
class Row:
    """``href`` makes the whole row one link (on its first cell). ``spoken`` names it where the cell does not."""

    cells: Sequence[Cell]
    href: str = ""
    id: str = ""
    selected: bool = False

    @property
    def is_plain(self) -> bool:
        """Nothing but text."""
        return not (self.href or self.id or self.selected) and all(cell.is_plain for cell in self.cells)


@dataclass(frozen=True)
class Pager:
    """``first`` to ``last`` of ``total``; the hrefs are empty at the ends."""

    template: ClassVar[str] = "partials/pager.html"
    first: int
    last: int
    total: int
    noun: str
    previous_href: str = ""
    next_href: str = ""


@dataclass(frozen=True)
class Table:
    """``caption`` is for readers. ``empty`` stands in the table's place when there are no rows."""

    template: ClassVar[str] = "partials/table.html"
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    pager: Pager | None = None
    empty: str | Component = "Nothing here."
    id: str = ""

    @property
    def lines(self) -> list[tuple[Row, list[tuple[str, str, Cell]]]]:
        """Each row with its cells: the element (th, td), its classes, the cell."""
        columns = [("td" if place else "th", _classes(column)) for place, column in enumerate(self.columns)]

        def drawn(row: Row) -> list[tuple[str, str, Cell]]:
            pairs = zip(columns, row.cells, strict=True)
            return [
                (name, f"{classes} {_TONES.get(cell.tone, cell.tone)}".strip(), cell) for (name, classes), cell in pairs
            ]

        return [(row, drawn(row)) for row in self.rows]

    @property
    def plain_lines(self) -> SafeString:
        """All rows drawn, where there is nothing but text in them; else empty.

        The tables behind charts have a cell for each day: a template would take longer over them than over the page.
        """
        if not all(row.is_plain for row in self.rows):
            return SafeString("")
        return SafeString("\n".join(_plain_row(cells) for _, cells in self.lines))

    @property
    def empty_is_component(self) -> bool:
        return hasattr(self.empty, "template")


def _plain_row(cells: Sequence[tuple[str, str, Cell]]) -> str:
    """A row as ``partials/table.html`` draws it; the classes are the console's own words."""
    scope = ' scope="row"'
    drawn = [
        f'<{name}{"" if place else scope} class="{classes}">{escape(cell.content)}</{name}>'
        for place, (name, classes, cell) in enumerate(cells)
    ]
    return f"<tr>{''.join(drawn)}</tr>"


_TONES = {"": "", "muted": "text-3"}


def _classes(column: Column) -> str:
    names = {"numeric": column.numeric, "wide": column.wide, "mark-column": column.marked}
    return " ".join(name for name, is_set in names.items() if is_set)


@dataclass(frozen=True)
class Sorting:
    """What the address asks for: ``?sort=-revenue`` is descending. ``allowed`` maps a key to what is sorted by."""

    key: str
    descending: bool
    params: Mapping[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        return "descending" if self.descending else "ascending"


def read_sorting(params: Mapping[str, Any], allowed: Sequence[str], default: str) -> Sorting:
    """The wanted sorting, or the default one where the address names something else."""
    wanted = str(params.get("sort", default))
    if wanted.lstrip("-") not in allowed:
        wanted = default
    rest = {key: str(params[key]) for key in params if key not in {"sort", "page"} and params[key]}
    return Sorting(wanted.lstrip("-"), wanted.startswith("-"), rest)


def sorted_columns(columns: Sequence[Column], sorting: Sorting) -> list[Column]:
    """Give each sortable column its link: numbers start descending, words ascending, a second click turns round."""
    return [_sortable(column, sorting) if column.key else column for column in columns]


def _sortable(column: Column, sorting: Sorting) -> Column:
    current = column.key == sorting.key
    descending = not sorting.descending if current else column.numeric
    href = "?" + urlencode({**sorting.params, "sort": ("-" if descending else "") + column.key})
    return replace(column, href=href, direction=sorting.direction if current else "")


def pager(*, page: int, total: int, noun: str, params: Mapping[str, Any], size: int = PAGE_SIZE) -> Pager:
    """Links to the pages around this one (counted from 1), with the rest of the address kept."""
    last_page = max(1, -(-total // size))
    rest = {key: str(params[key]) for key in params if key != "page" and params[key]}

    def href(number: int) -> str:
        return "?" + urlencode({**rest, "page": number}) if 1 <= number <= last_page and number != page else ""

    first = (page - 1) * size + 1 if total else 0
    return Pager(first, min(total, page * size), total, noun, href(page - 1), href(page + 1))


def page_number(params: Mapping[str, Any], total: int, size: int = PAGE_SIZE) -> int:
    """The page that the address asks for, held within those that there are."""
    text = str(params.get("page", "1"))
    return min(max(1, int(text) if text.isdigit() else 1), max(1, -(-total // size)))
