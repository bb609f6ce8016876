"""Refused events that wait, by reason, to be mended and replayed."""

from __future__ import annotations

from collections.abc import Sequence

from recsite.dashboard import numbers
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Action, Nothing
from recsite.dashboard.queries.data import DeadLetters
from recsite.dashboard.tables import Cell, Column, Row, Table

REASONS = {
    "ambiguous": "Names a shopper and a visitor, or neither",
    "bad_event_id": "The event's id is no UUID",
    "bad_time": "The time cannot be read",
    "in_the_future": "More than a day in the future",
    "missing": "A field is missing",
    "not_an_object": "Not an event at all",
    "not_finite": "Not a finite number",
    "not_text": "Not text in UTF-8",
    "out_of_range": "A number out of its range",
    "too_large": "Too large",
    "too_long": "A text that is too long",
    "too_old": "Older than the shop keeps",
    "unknown_type": "The type is not declared",
    "wrong_type": "A field of another type",
}


def rejects_table(letters: Sequence[DeadLetters], may_replay: bool) -> Table:
    """A line for each reason; ``may_replay`` adds the button that tries its events again."""
    columns = [
        Column("Reason"),
        Column("The newest of them", wide=True),
        Column("Waiting", numeric=True),
        Column("Last", wide=True),
        Column("File", unseen=True),
        *([Column("Try again", unseen=True)] if may_replay else []),
    ]
    rows = [_reject_row(one, may_replay) for one in letters]
    empty = Nothing("No event waits", "Whatever is refused is kept here with its reason, to be mended and replayed.")
    return Table("Refused events that wait, by reason", columns, rows, None, empty, id="rejects")


def _reject_row(one: DeadLetters, may_replay: bool) -> Row:
    again = Action("Replay", page("data-replay"), post=True, fields={"code": one.code, "field": one.field}, small=True)
    title = REASONS.get(one.code, one.code.replace("_", " ").capitalize())
    payload = one.payload or "null"
    shown = payload if len(payload) <= 160 else payload[:159] + "…"
    return Row(
        [
            Cell(title, note=f"{one.code}{f', field {one.field}' if one.field else ''}"),
            Cell(one.message, note=shown),
            Cell(numbers.count(one.count)),
            Cell(numbers.moment(one.newest)),
            Cell("CSV", href=page("data-rejects", code=one.code, field=one.field)),
            *([Cell(again)] if may_replay else []),
        ]
    )
