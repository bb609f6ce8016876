"""Models: is a better one ready, and is it safe to let it serve?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender import artifacts, schedule, services
from recommender.models import TrainingRun
from recommender.queries import in_shadow
from recsite.dashboard import comparison, numbers, roles, runs, tables
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.components import (
    Action,
    Badge,
    Component,
    EmptyState,
    FilterBar,
    Nothing,
    Option,
    PageHeader,
    Segment,
    Segments,
    Select,
)
from recsite.dashboard.measures import SHOWN, SIDES, Measured, architecture_name, baseline_name, ranking, tested_on
from recsite.dashboard.pages.model_schedule import short_words
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import RunFilter, RunRow, Serving
from recsite.dashboard.runs import LiveRun, Verdict
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

CSV_HEADER = (
    *("run", "status", "architecture", "trigger", "by", "created_at", "started_at", "finished_at", "seconds"),
    *("ndcg10_all", "ndcg10_new", "best_baseline", "best_baseline_ndcg10_all", "best_baseline_ndcg10_new"),
    *("device", "cpu_seconds", "peak_memory_bytes", "serves", "lists_stored", "model_stored"),
)
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
#: Of the comparison in a card; the page of two runs has all of them.
_SHORT = ("ndcg@10", "hit_rate@10", "mrr@10", "coverage@10", "categories@10", "median_buyers@10")


@dataclass(frozen=True)
class Comparison:
    """Two runs (or one and its baselines) in a card: the choice of both, their figures, what they mean."""

    a: Select
    b: Select
    side: Segments
    keep: Mapping[str, str]
    tested: str
    table: Table
    said: str
    actions: Sequence[Action]


@dataclass(frozen=True)
class ModelsPage:
    """What is at work, the comparison with the gate's word, and every run."""

    header: PageHeader
    live: LiveRun | None
    comparison: Comparison | None
    verdict: Verdict | None
    filters: FilterBar | None
    table: Table
    rule: str


def read_filter(params: Mapping[str, str]) -> RunFilter:
    """The filter in the address; what it does not know is left out."""
    status = params.get("status", "")
    known = status if status in TrainingRun.Status.values else ""
    return RunFilter(status=known, architecture=params.get("architecture", ""))


def build(params: Mapping[str, str], *, permissions: frozenset[str]) -> ModelsPage:
    """``permissions``: of who looks. The queries are as many for one run as for a thousand."""
    serving, active = queries.serving(), queries.active()
    measured = queries.measured()
    a, b = _pair(params, measured, serving)
    return ModelsPage(
        header=_header(params, serving, permissions),
        live=runs.live_run(active, serving, permissions=permissions) if active else None,
        comparison=_comparison(a, b, serving, measured, params) if a else None,
        verdict=_verdict(a, serving, permissions) if a else None,
        rule=artifacts.RULE,
        **_registry(params, serving, permissions),
    )


def csv_rows(params: Mapping[str, str]) -> Iterator[tuple[object, ...]]:
    """Every run that the filter lets through, under ``CSV_HEADER``."""
    serving = queries.serving()
    for row in queries.listed(queries.matching(read_filter(params))):
        yield (
            *(row.pk, row.status, row.architecture, row.trigger, row.by),
            *(row.created_at, row.started_at, row.finished_at, row.seconds),
            *(row.ndcg_all, row.ndcg_new, row.best_name, row.best_all, row.best_new),
            *(row.device, row.cpu_seconds, row.peak_memory),
            *(bool(serving and serving.run == row.pk), row.generation is not None, row.has_artifact),
        )


def _header(params: Mapping[str, str], serving: Serving | None, permissions: frozenset[str]) -> PageHeader:
    actions = [Action("Export CSV", changed(params, format="csv"), "quiet", download=True)]
    if roles.SWITCH_MODELS in permissions and serving:
        before = services.rollback_target()
        if before is not None:
            label = f"Roll back to model {before.run_id}"
            fields = {"switch": str(serving.switch)}
            actions.append(Action(label, page("roll-back"), post=True, fields=fields))
    actions.append(Action(f"Schedule: {short_words(schedule.read())}", page("model-schedule")))
    actions.append(Action("Tuning", page("tuning")))
    if roles.RETRAIN in permissions:
        actions.append(Action("Start a retrain", page("retrain"), "primary"))
    badge = Badge(f"model {serving.run} serves", "good") if serving else None
    question = "Is a better model ready, and is it safe to let it serve?"
    return PageHeader("Models", question, actions=linked(*actions), badge=badge)


# --- Comparison ---


def _pair(
    params: Mapping[str, str], measured: Sequence[tuple[int, str]], serving: Serving | None
) -> tuple[TrainingRun | None, TrainingRun | None]:
    """The two that the address names, else the newest beside what serves, else beside the one before it."""
    known = [number for number, _ in measured]
    if not known:
        return None, None
    first = _wanted(params.get("a", ""), known) or known[0]
    others = [number for number in known if number != first]
    served = serving.run if serving and serving.run in others else None
    second = _wanted(params.get("b", ""), others) or served or next(iter(others), None)
    found = TrainingRun.objects.in_bulk([number for number in (first, second) if number])
    return found.get(first), found.get(second) if second else None


def _wanted(text: str, known: Sequence[int]) -> int | None:
    return int(text) if text.isdigit() and int(text) in known else None


def _comparison(
    a: TrainingRun,
    b: TrainingRun | None,
    serving: Serving | None,
    measured: Sequence[tuple[int, str]],
    params: Mapping[str, str],
) -> Comparison:
    side = params.get("side", "ALL") if params.get("side") in SIDES else "ALL"
    measures = [measure for measure in (*ranking(), *SHOWN) if measure.key in _SHORT]
    both = page("model-compare", a=a.pk, b=b.pk) if b else ""
    return Comparison(
        a=select_of("a", "Compare", measured, a),
        b=select_of("b", "with", measured, b),
        side=sides(params, side),
        keep={key: params[key] for key in ("side",) if params.get(key)},
        tested=tested_on(Measured.of(a)),
        table=comparison.figures_table(a, b, serving, side=side, measures=measures),
        said=comparison.said_of(a, b, side),
        actions=linked(
            Action("Compare in full", both, small=True), Action(f"Open run {a.pk}", page("model", a.pk), small=True)
        ),
    )


def select_of(name: str, label: str, measured: Sequence[tuple[int, str]], chosen: TrainingRun | None) -> Select:
    """A choice among the runs that have figures."""
    options = [
        Option(str(number), f"{number} · {architecture_name(kind)}", chosen is not None and number == chosen.pk)
        for number, kind in measured
    ]
    return Select(name, label, options)


def sides(params: Mapping[str, str], side: str) -> Segments:
    """Any product, or only those that are new to the shopper."""
    items = [
        Segment(words, changed(params, side="" if key == "ALL" else key), key == side) for key, words in SIDES.items()
    ]
    return Segments("Which products count", items)


def _verdict(a: TrainingRun, serving: Serving | None, permissions: frozenset[str]) -> Verdict | None:
    stored = queries.stored_generation(a)
    actions = runs.switching(a, serving, generation=stored.pk if stored else None, permissions=permissions)
    promotes = any(action.post for action in actions)
    note = "Takes effect with the next request. Roll back with one click." if promotes else ""
    return runs.verdict_of(a, actions=actions, note=note)


# --- Registry ---


def _registry(params: Mapping[str, str], serving: Serving | None, permissions: frozenset[str]) -> dict[str, Any]:
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
    return {"filters": filters, "table": table}


def _filters(params: Mapping[str, str], wanted: RunFilter, total: int) -> FilterBar:
    keep = {key: params[key] for key in ("a", "b", "side") if params.get(key)}
    statuses = [Option("", "Any state", not wanted.status)]
    statuses += [Option(value, words, value == wanted.status) for value, words in runs.STATUSES.items()]
    kinds = [Option("", "Any architecture", not wanted.architecture)]
    kinds += [Option(name, architecture_name(name), name == wanted.architecture) for name in queries.architectures()]
    return FilterBar(
        action=page("models"),
        selects=[Select("status", "State", statuses), Select("architecture", "Architecture", kinds)],
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
