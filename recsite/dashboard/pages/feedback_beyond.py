"""What clicks do not tell, beside the click rate: what the lists held, and the offline quality of what serves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from recommender.feedback import Counts
from recsite.dashboard import numbers
from recsite.dashboard.pages.feedback_asked import Asked, totals
from recsite.dashboard.queries import feedback as queries
from recsite.dashboard.queries.coverage import coverage, variety
from recsite.dashboard.ranges import span
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table

BEYOND_HEADER = ("measure", "how", "now", "before")


def beyond_note(asked: Asked) -> str:
    text = "Offline: on the days after the model's own training data; two models may have been measured on others."
    return f"Of whole lists: a category, position or rule has none of its own. {text}" if asked.scope.part else text


@dataclass(frozen=True)
class Beyond:
    """One line: what it tells and how it is measured, now and before, as written and as a number."""

    label: str
    note: str
    now: str
    before: str
    values: tuple[float | None, float | None]


def beyond(asked: Asked, now: Counts, before: Counts, shop: Shop) -> list[Beyond]:
    """What clicks do not tell, beside the click rate: what the lists held, and the offline quality of what serves."""
    rates = [rate.value if rate else None for rate in (now.click_rate, before.click_rate)]
    return [
        _line("Click rate", "of what was shown", rates, numbers.percent),
        *_lists(asked, shop),
        *_offline(),
    ]


def _lists(asked: Asked, shop: Shop) -> Iterator[Beyond]:
    scopes = [(asked.days, asked.scope), (asked.days.before, asked.earlier)]
    covered = [coverage(*span(days, shop), scope) if days else None for days, scope in scopes]
    varied = [variety(*span(days, shop), scope) if days else None for days, scope in scopes]
    first = covered[0]
    of = f"{numbers.count(first.shown)} of {numbers.count(first.sellable)} products" if first else ""
    yield _line(
        "Catalogue shown", f"{of} in a list at least once", [c.share if c else None for c in covered],
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield _line(
        "Variety", "different categories in the first 10", [v.categories if v else None for v in varied],
        numbers.decimal,
    )  # fmt: skip


def _offline() -> Iterator[Beyond]:
    """Of the lists of the model that serves, and of the one before it, on later days that neither had seen."""
    serving, former = queries.measured()
    if serving is None:
        return
    which = f"offline, model {serving.run}" + (f"; before: model {former.run}" if former else "")

    def line(label: str, note: str, side: str, key: str, write: Callable[[float | None], str]) -> Beyond:
        values = [getattr(one, side).get(key) if one else None for one in (serving, former)]
        return _line(label, f"{note} · {which}", values, write)

    yield line("NDCG@10, any product", "what they bought later", "any_item", "ndcg@10", numbers.metric)
    yield line("NDCG@10, new to them", "what they had not bought before", "new_items", "ndcg@10", numbers.metric)
    yield line(
        "Hit rate in 10", "a later purchase is in the list", "any_item", "hit_rate@10",
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield line(
        "Diversity", "pairs in a list from different categories", "lists", "diversity@10",
        lambda value: numbers.percent(value, 1),
    )  # fmt: skip
    yield line("Novelty", "median buyers of a product in a list", "lists", "median_buyers@10", numbers.count)


def _line(label: str, note: str, values: Sequence[float | None], write: Callable[[float | None], str]) -> Beyond:
    now, before = values
    return Beyond(label, note, "no data" if now is None else write(now), write(before), (now, before))


def beyond_table(asked: Asked, now: Counts, before: Counts, shop: Shop) -> Table:
    columns = [Column("What it tells"), Column("Now", numeric=True), Column("Before", numeric=True)]
    rows = [
        Row([Cell(one.label, note=one.note), Cell(one.now, tone="strong"), Cell(one.before, tone="muted")])
        for one in beyond(asked, now, before, shop)
    ]
    return Table("Beyond clicks", columns, rows)


def beyond_rows(asked: Asked, shop: Shop) -> Iterator[Sequence[object]]:
    for one in beyond(asked, *totals(asked), shop):
        yield one.label, one.note, *one.values
