"""Every run, newest first, with the filter above."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recommender.model_names import architecture_name, baseline_name
from recommender.models import TrainingRun
from recommender.queries import in_shadow
from recsite.dashboard import numbers, roles, runs, tables
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.components import Action, Badge, Component, EmptyState, FilterBar, Nothing, any_or_one
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import RunFilter, RunRow, Serving
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

_COLUMNS = (
    Column("Run"),
    Column("Trained", wide=True),
    Column("State"),
    Column("NDCG@10", numeric=True),
    Column("New to the shopper", numeric=True, wide=True),
    Column("Took", numeric=True, wide=True),
    Column("Cost", numeric=True, wide=True),
    Column("Kept", wide=True),
    Column("What to do", numeric=True, wide=True, unseen=True),
)


@dataclass(frozen=True)
class Registry:
    """``filters`` None while there is no run at all."""

    filters: FilterBar | None
    table: Table


def read_filter(params: Mapping[str, str]) -> RunFilter:
    """The filter in the address; what it does not know is left out."""
    status = params.get("status", "")
    known = status if status in TrainingRun.Status.values else ""
    return RunFilter(status=known, architecture=params.get("architecture", ""))


def build(params: Mapping[str, str], serving: Serving | None, permissions: frozenset[str]) -> Registry:
    """A page of the runs that the address asks for; as many queries for one as for fifty."""
    wanted = read_filter(params)
    chosen = queries.matching(wanted)
    total = chosen.count()
    number = tables.page_number(params, total)
    shadow = in_shadow()
    rows = queries.listed(chosen, limit=tables.PAGE_SIZE, offset=(number - 1) * tables.PAGE_SIZE)
    table = Table(
        caption="Every run, newest first",
        columns=_COLUMNS,
        rows=[_row(row, serving, shadow.run.pk if shadow else 0, permissions) for row in rows],
        pager=tables.pager(page=number, total=total, noun="runs", params=params),
        empty=_empty(wanted, permissions),
        id="runs",
    )
    filters = _filters(params, wanted, total) if total or wanted != RunFilter() else None
    return Registry(filters, table)


def _filters(params: Mapping[str, str], wanted: RunFilter, total: int) -> FilterBar:
    keep = {key: params[key] for key in ("a", "b", "side") if params.get(key)}
    states = {str(status): words for status, words in runs.STATUSES.items()}
    kinds = {name: architecture_name(name) for name in queries.architectures()}
    return FilterBar(
        action=page("models"),
        selects=[
            any_or_one("status", "State", "Any state", states, wanted.status),
            any_or_one("architecture", "Architecture", "Any architecture", kinds, wanted.architecture),
        ],
        count=numbers.plural(total, "run"),
        clear_href=changed(keep) if wanted != RunFilter() else "",
        target="list",
        keep=keep,
        search=False,
    )


def _row(row: RunRow, serving: Serving | None, shadow: int, permissions: frozenset[str]) -> Row:
    """``shadow``: the run that is scored beside what serves, 0 for none."""
    serves = serving is not None and serving.run == row.pk
    return Row(
        id=f"run-{row.pk}",
        href=page("model", row.pk),
        cells=[
            Cell(str(row.pk), note=architecture_name(row.architecture)),
            Cell(numbers.moment(row.started_at or row.created_at), note=runs.asked_by(row.trigger, row.by)),
            _state(row, serving if serves else None, row.pk == shadow),
            Cell(numbers.metric(row.ndcg_all), note=_beside(row.best_all, row.best_name)),
            Cell(numbers.metric(row.ndcg_new), note=_beside(row.best_new)),
            Cell(numbers.duration(row.seconds), note=row.device),
            Cell(*_cost(row)),
            Cell(*_kept(row, serving if serves else None)),
            _next(row, serving, permissions),
        ],
    )


def _state(row: RunRow, serving: Serving | None, is_shadow: bool) -> Cell:
    if serving is not None:
        return Cell(Badge("Serving", "good"), note=f"since {numbers.moment(serving.since)}")
    note = "in shadow" if is_shadow else ""
    return Cell(runs.state_of(row.status, stored=row.generation is not None), note=note)


def _beside(value: float | None, name: str = "") -> str:
    if value is None:
        return ""
    return f"best baseline {numbers.metric(value)}" if name else f"beside {numbers.metric(value)}"


def _cost(row: RunRow) -> tuple[str, str]:
    if row.cpu_seconds is None:
        return numbers.NONE, ""
    return f"{numbers.count(row.cpu_seconds)}{numbers.THIN}CPU s", f"{numbers.size(row.peak_memory)} at most"


def _kept(row: RunRow, serving: Serving | None) -> tuple[str, str]:
    """What is there of it, and of whom its lists are where not of the run's own ranker."""
    other = row.model_name not in ("", row.architecture)
    lists = f"lists of {baseline_name(row.model_name).lower()}" if other else ""
    if serving is not None:
        return "serves now", lists
    if row.generation is not None:
        return "lists and model", lists
    if row.has_artifact:
        return "model alone", ""
    return ("deleted", "") if row.ndcg_all is not None else (numbers.NONE, "")


def _next(row: RunRow, serving: Serving | None, permissions: frozenset[str]) -> Cell:
    """The one thing that one would do with it."""
    serves = serving is not None and serving.run == row.pk
    if row.generation is not None and not serves and roles.SWITCH_MODELS in permissions:
        return Cell(Action("Promote", page("model-promote", row.pk), "link", post=True))
    if row.status in (TrainingRun.Status.REFUSED, TrainingRun.Status.FAILED, TrainingRun.Status.SKIPPED):
        return Cell("See why", href=page("model", row.pk))
    return Cell("")


def _empty(wanted: RunFilter, permissions: frozenset[str]) -> Component:
    if wanted != RunFilter():
        return Nothing(
            "No run is like this", "Try another state.", [Action("Clear filters", page("models"), small=True)]
        )
    start = [Action("Start a retrain", page("retrain"), "primary")] if roles.RETRAIN in permissions else []
    return EmptyState(
        "No model yet",
        "Shoppers see what sells most until the first one is trained. A run reads the events, learns, is measured on "
        "later days beside simple methods, and serves only if it is better."
        + ("" if start else " Ask an admin to start it."),
        actions=linked(*start),
        tiles=[tile(key=word, title=word) for word in ("Bread", "Strawberries", "Milk")],
    )
