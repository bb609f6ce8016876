"""The feedback page's table: one line for each placement, model, segment, category, position, rule or day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from recommender import feedback
from recommender.feedback import Counts, Rate, Scope
from recsite.dashboard import numbers, tables
from recsite.dashboard.addresses import changed
from recsite.dashboard.components import Component, Delta, Nothing, delta_of_rates, is_noise, noise_of
from recsite.dashboard.graphics import IntervalBar
from recsite.dashboard.queries.feedback import Names
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Pager, Row, Sorting, Table

#: What one may split by, and the word for it.
TITLES = {
    "placement": "Placement",
    "run": "Model",
    "segment": "Segment",
    "category": "Category",
    "position": "Position",
    "rule": "Rule",
    "day": "Day",
}
PARTS = ("category", "position", "rule")  # products of lists, one of these at a time
NOTHING = "none"  # in an address: the empty segment, the empty category
#: What a filtered page is split by next, so that it does not show one line alone.
NEXT = {"placement": "position"}
CSV_HEADER = (
    *("split", "key", "name", "lists", "served", "shown", "clicked", "click_rate", "click_rate_low", "click_rate_high"),
    *("ignored", "ignore_rate", "carted", "bought", "bought_by_view", "revenue", "revenue_by_view"),
    *("shown_before", "clicked_before", "click_rate_before", "change", "change_low", "change_high", "beyond_chance"),
)
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)  # where the axis of intervals may end


@dataclass(frozen=True)
class Naming:
    """What a key of the counts is called."""

    names: Names

    def of(self, split: str, key: str) -> str:
        """Placements, rules and models that are no more keep their key."""
        if split == "placement":
            return self.names.placements.get(key, key)
        if split == "run":
            return "No model" if key == "0" else f"Model {key}"
        if split == "segment":
            return key.capitalize() or "No segment"
        if split == "category":
            return key or "No category"
        if split == "rule":
            return self.names.rules.get(int(key), f"Rule {key}, deleted") if key.isdecimal() else key
        return numbers.day(date.fromisoformat(key)) if split == "day" else f"Position {key}"


@dataclass(frozen=True)
class Line:
    """One line: its key as stored, its name, and what became of its products now and in the period before."""

    key: str
    name: str
    counts: Counts
    previous: Counts

    @property
    def rate(self) -> Rate | None:
        return self.counts.click_rate

    @property
    def change(self) -> tuple[float, float, float] | None:
        """Of the click rate, with its interval; None where there is nothing to compare with."""
        return feedback.difference(self.rate, self.previous.click_rate)

    @property
    def revenue(self) -> float:
        return self.counts.attributed_revenue


@dataclass(frozen=True)
class Split:
    """A scope split by ``name``."""

    name: str
    lines: Sequence[Line]


def read_split(name: str, scope: Scope, earlier: Scope | None, naming: Naming) -> Split:
    """Every active placement where only the days are chosen, every day; else what there was, now or before."""
    if name == "day":
        return Split(name, _days(scope, earlier))
    found = {row.key: row for row in feedback.by(name, scope, earlier=earlier)}
    if name == "placement" and scope == Scope(scope.first, scope.last):
        nothing = Counts()
        found |= {slug: feedback.Row(slug, nothing, nothing) for slug in naming.names.active if slug not in found}
    lines = [
        Line(row.key, naming.of(name, row.key), row.counts, row.previous if earlier else Counts())
        for row in found.values()
        if earlier or row.counts.served or not row.previous.served
    ]
    return Split(name, sorted(lines, key=lambda line: line.name.casefold()))


def _days(scope: Scope, earlier: Scope | None) -> list[Line]:
    """Each day beside the one as many days into the period before."""
    before = [counts for _, counts in feedback.daily(earlier)] if earlier else []
    lines = []
    for index, (day, counts) in enumerate(feedback.daily(scope)):
        previous = before[index] if index < len(before) else None
        lines.append(Line(day.isoformat(), numbers.day(day), counts or Counts(), previous or Counts()))
    return lines


def table(split: Split, total: Counts, params: Mapping[str, str], shop: Shop, *, compared: bool) -> Table:
    """Sorted as the address says: positions and days in their order, all else by what was shown most."""
    sorting = tables.read_sorting(params, tuple(_SORTS), _default(split.name))
    most = _axis([line.rate for line in split.lines])
    columns = [
        Column(TITLES[split.name], "name"),
        Column("Shown", "shown", numeric=True, wide=True),
        Column("Click rate", "rate", numeric=True),
        Column("95 % interval", numeric=True, wide=True),
        Column(f"0 – {numbers.percent(most, 0)}, dashed: all", wide=True),
        Column("vs before" if compared else "", "change" if compared else "", numeric=True),
        Column("In basket", "carted", numeric=True, wide=True),
        Column("Bought", "bought", numeric=True, wide=True),
        Column("Ignored", "ignored", numeric=True, wide=True),
        Column("Revenue", "revenue", numeric=True, wide=True),
    ]
    reference = total.click_rate.value if total.click_rate else None
    number = tables.page_number(params, len(split.lines))
    shown = in_order(split, sorting)[(number - 1) * tables.PAGE_SIZE : number * tables.PAGE_SIZE]
    return Table(
        f"What became of what was shown, by {TITLES[split.name].lower()}",
        tables.sorted_columns(columns, sorting),
        [_row(split.name, line, params, shop, most, reference) for line in shown],
        pager=_pager(split, number, params),
        empty=_none(split.name),
        id="split",
    )


def _pager(split: Split, number: int, params: Mapping[str, str]) -> Pager | None:
    """Where there are more lines than a page holds."""
    if len(split.lines) <= tables.PAGE_SIZE:
        return None
    noun = {"category": "categories"}.get(split.name, f"{TITLES[split.name].lower()}s")
    return tables.pager(page=number, total=len(split.lines), noun=noun, params=params)


def _default(split: str) -> str:
    return {"day": "-name", "position": "name"}.get(split, "-shown")


_SORTS: dict[str, Any] = {
    "name": lambda line: (int(line.key),) if line.key.isdecimal() else (0, line.key),
    "shown": lambda line: line.counts.shown,
    "rate": lambda line: line.rate.value if line.rate else None,
    "change": lambda line: line.change[0] if line.change else None,
    "carted": lambda line: line.counts.carted if line.counts.has_data else None,
    "bought": lambda line: line.counts.bought if line.counts.has_data else None,
    "ignored": lambda line: line.counts.ignore_rate.value if line.counts.has_data else None,
    "revenue": lambda line: line.revenue if line.counts.has_data else None,
}


def in_order(split: Split, sorting: Sorting) -> list[Line]:
    """By the wanted column, what has no data last either way, equals by name."""
    if sorting.key == "name" and split.name in ("placement", "segment", "category", "rule"):
        return sorted(split.lines, key=lambda line: line.name.casefold(), reverse=sorting.descending)
    value = _SORTS[sorting.key]
    known = [line for line in split.lines if value(line) is not None]
    return [
        *sorted(known, key=value, reverse=sorting.descending),
        *(line for line in split.lines if value(line) is None),
    ]


def _row(split: str, line: Line, params: Mapping[str, str], shop: Shop, most: float, reference: float | None) -> Row:
    """A line that links to itself as a filter; without data it says so and has no figures."""
    counts, rate = line.counts, line.rate
    href = filtered(split, line.key, params)
    if rate is None:
        why = "Nothing was shown" if split == "day" else "Never shown in this range"
        why = f"{numbers.plural(counts.lists, 'list')}, none seen" if counts.served else why
        cells = [Cell(line.name, note=why), Cell(numbers.count(counts.shown)), Cell("no data", tone="muted")]
        return Row(
            [*cells, *(Cell(numbers.NONE if text else "", tone="muted") for text in (1, 0, 1, 1, 1, 1, 1))], href
        )
    bar: Component | str = "Too few to judge"
    if not rate.too_few:
        bar = IntervalBar(rate.value, rate.low, rate.high, most, reference)
    ignored = counts.ignore_rate
    return Row(
        [
            Cell(line.name),
            Cell(numbers.count(counts.shown)),
            Cell(numbers.percent(rate.value), tone="muted" if rate.too_few else "strong"),
            Cell(numbers.interval(rate.hits, rate.of), tone="muted"),
            Cell(bar, tone="muted"),
            Cell(change_of(line)),
            Cell(numbers.count(counts.carted)),
            Cell(numbers.count(counts.bought)),
            Cell(numbers.percent(ignored.value if ignored else None, 1)),
            Cell(numbers.money(line.revenue, shop.currency)),
        ],
        href,
    )


def change_of(line: Line) -> Delta:
    """In points; ≈ where the interval of the difference holds 0, a dash where either has too few to judge."""
    now, before, change = line.rate, line.previous.click_rate, line.change
    if now is None or before is None or change is None or now.too_few or before.too_few:
        return Delta(numbers.NONE)
    delta = delta_of_rates(now.value, before.value, noise=noise_of(change))
    return Delta(delta.text, delta.sign, delta.better)


def filtered(split: str, key: str, params: Mapping[str, str]) -> str:
    """The address of this page for this line alone."""
    if split == "day":
        return changed(params, **{"from": key, "to": key, "split": "placement", "sort": ""})
    others = dict.fromkeys(PARTS, "") if split in PARTS else {}
    after = NEXT.get(split, "placement")
    return changed(params, **{**others, split: key or NOTHING, "split": after, "sort": ""})


def _axis(rates: Sequence[Rate | None]) -> float:
    """The smallest round share that holds every interval that is drawn."""
    highest = max([rate.high for rate in rates if rate and not rate.too_few] + [0.0])
    return next(step for step in _STEPS if highest <= step or step == 1.0)


def _none(split: str) -> Component:
    if split == "rule":
        return Nothing("No rule touched a list in this range", "Lists were as the models made them.")
    return Nothing("Nothing in this range", "Choose other days, or clear the filters.")


def csv_rows(split: Split) -> Iterator[Sequence[object]]:
    """A line for each, most shown first (positions and days in order), under ``CSV_HEADER``; no data stays empty."""
    default = _default(split.name)
    for line in in_order(split, Sorting(default.lstrip("-"), default.startswith("-"))):
        yield [split.name, line.key, line.name, *_figures(line.counts), *_compared(line)]


def _figures(counts: Counts) -> list[object]:
    rate, ignored = counts.click_rate, counts.ignore_rate
    if rate is None or ignored is None:
        return [counts.lists, counts.served, counts.shown, *[None] * 11]
    return [
        *(counts.lists, counts.served, counts.shown, counts.clicked),
        *(round(rate.value, 6), round(rate.low, 6), round(rate.high, 6)),
        *(counts.ignored, round(ignored.value, 6), counts.carted, counts.bought, counts.bought_by_view),
        *(round(counts.revenue, 2), round(counts.revenue_by_view, 2)),
    ]


def _compared(line: Line) -> list[object]:
    before, change = line.previous.click_rate, line.change
    if before is None:
        return [None] * 7
    base: list[object] = [line.previous.shown, line.previous.clicked, round(before.value, 6)]
    if change is None:
        return [*base, *[None] * 4]
    return [*base, *(round(bound, 6) for bound in change), "no" if is_noise(change) else "yes"]
