"""Experiments: what is tried on which placement, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Case, IntegerField, Value, When

from recommender import experiment_results
from recommender.experiment_results import Measure, Results
from recommender.models import Experiment, Placement
from recsite.dashboard import experiment_words, numbers, roles, tables
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import SIMULATED, Action, Badge, Delta, EmptyState, PageHeader
from recsite.dashboard.experiment_words import GOALS
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table
from recsite.dashboard.tiles import tile

_COLUMNS = (
    Column("Experiment"),
    Column("B differs by", wide=True),
    Column("A", numeric=True, wide=True),
    Column("B", numeric=True, wide=True),
    Column("B against A", numeric=True),
    Column("Says"),
)


@dataclass(frozen=True)
class ExperimentsPage:
    """The running ones first, fifty to a page; ``empty`` in place of the table before the first."""

    header: PageHeader
    table: Table | None
    note: str
    simulated: Badge | None
    foot: str
    empty: EmptyState | None


def build(params: Mapping[str, str], shop: Shop, *, permissions: frozenset[str]) -> ExperimentsPage:
    """Four queries, however many there are."""
    total = Experiment.objects.count()
    at = tables.page_number(params, total)
    ended_last = Case(
        When(status=Experiment.Status.RUNNING, then=Value(0)), default=Value(1), output_field=IntegerField()
    )
    shown = list(Experiment.objects.order_by(ended_last, "-id")[(at - 1) * tables.PAGE_SIZE : at * tables.PAGE_SIZE])
    found = experiment_results.results_of(shown, window=shop.click_window)
    titles = dict(Placement.objects.values_list("slug", "title"))
    may = roles.EDIT_PLACEMENTS in permissions
    pager = tables.pager(page=at, total=total, noun="experiments", params=params) if total > tables.PAGE_SIZE else None
    rows = [_row(one, found[one.slug], titles.get(one.placement, one.placement), shop) for one in shown]
    return ExperimentsPage(
        header=_header(may, any_yet=bool(total)),
        table=Table("Experiments, those that run first", _COLUMNS, rows, pager, id="experiments-table")
        if rows
        else None,
        note="those that run first",
        simulated=SIMULATED if any(one.simulated for one in found.values()) else None,
        foot=f"By what decides each. {experiment_words.INTERVALS}",
        empty=None if total else _empty(may),
    )


def _header(may: bool, *, any_yet: bool) -> PageHeader:
    new = page("experiment-new") if may and any_yet else ""  # else the empty state has it
    return PageHeader(
        "Experiments",
        "Is another setup of a placement better, or does it only look so?",
        actions=linked(Action("New experiment", new, "primary")),
    )


def _row(experiment: Experiment, found: Results, placement: str, shop: Shop) -> Row:
    running = experiment.status == Experiment.Status.RUNNING
    differing = experiment_words.differences(experiment, shop.currency)
    measure, goal = found.main, str(experiment.goal)
    since = f"since {numbers.moment(experiment.started_at)}" if running else f"ended {_ended(experiment)}"
    return Row(
        [
            Cell(
                experiment.title,
                note=f"{placement} · {experiment.share}{numbers.THIN}% get B · {since}",
                badge=state_of(experiment),
            ),
            Cell(differing[0] if differing else "nothing", note=" · ".join(differing[1:])),
            Cell(experiment_words.value(goal, measure.a.value, shop.currency), note=_subjects(measure.a.n)),
            Cell(experiment_words.value(goal, measure.b.value, shop.currency), note=_subjects(measure.b.n)),
            change(measure, shop.currency, is_sound=found.is_sound),
            _says(experiment, found, shop),
        ],
        href=page("experiment", experiment.slug),
        id=f"experiment-{experiment.slug}",
    )


def state_of(experiment: Experiment) -> Badge:
    """Running since how many days, or ended."""
    if experiment.status == Experiment.Status.ENDED:
        return Badge(f"{experiment.kept.upper()} kept")
    return Badge("running", "accent")


def _ended(experiment: Experiment) -> str:
    return numbers.moment(experiment.ended_at)


def change(measure: Measure, currency: str, *, is_sound: bool = True) -> Cell:
    """The difference as a share of A (in its own unit where A is nothing), with its interval beneath. Neither good nor
    bad where the shoppers are not soundly shared out."""
    found, goal = measure.difference, measure.goal
    if found is None or experiment_words.is_nothing(measure):
        return Cell(numbers.NONE, tone="muted")
    sign = "≈" if not found.is_told else "▲" if found.value > 0 else "▼"
    relative = found.relative
    if relative is None:
        text, bounds = experiment_words.amount(goal, found.value, currency), (found.low, found.high)
        note = f" {numbers.DASH} ".join(experiment_words.signed(goal, one, currency) for one in bounds)
    else:
        text = experiment_words.signed_share(relative[0]) if sign == "≈" else experiment_words.share(relative[0])
        note = f" {numbers.DASH} ".join(experiment_words.signed_share(one) for one in relative[1:])
    return Cell(Delta(text, sign, found.value > 0 if found.is_told and is_sound else None), note=note)


def _subjects(count: int) -> str:
    return f"of {numbers.plural(count, 'shopper')}" if count else ""


def _says(experiment: Experiment, found: Results, shop: Shop) -> Cell:
    about = GOALS[str(experiment.goal)][:1].lower() + GOALS[str(experiment.goal)][1:]
    if not found.is_sound:
        return Cell("shared out wrongly", note="do not trust the figures", tone="bad")
    verdict = experiment_words.verdict(found.main, shop.currency)
    return Cell(verdict.short, note=about, tone="strong" if verdict.better else "")


def _empty(may: bool) -> EmptyState:
    new = [Action("Start an experiment", page("experiment-new"), "primary")] if may else []
    return EmptyState(
        "No experiment yet.",
        "An experiment shows a share of the shoppers another setup of a placement, the rest the one that is, for as "
        "long as it takes to tell which is better. Chance decides who gets which, and it stays so for each of them. "
        "End it and everybody gets the setup that you keep.",
        [*new, Action("Placements", page("placements"))],
        [tile(key=word, title=word) for word in ("Bread", "Milk", "Tea")],
    )
