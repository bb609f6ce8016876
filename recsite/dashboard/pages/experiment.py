"""One experiment: what it says, how sure that is, what is tried, and how it is ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from recommender import experiment_results
from recommender.experiment_results import Measure, Results
from recommender.models import Experiment, Placement
from recsite.dashboard import charts, experiment_acts, experiment_words, numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.charts import Chart, Days, Legend
from recsite.dashboard.components import (
    SIMULATED,
    Action,
    Badge,
    Crumb,
    Dialog,
    Fact,
    Facts,
    Notice,
    PageHeader,
    Stat,
)
from recsite.dashboard.pages import experiment_measures
from recsite.dashboard.pages.experiments import state_of
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table

KEEPS = ("a", "b")


@dataclass(frozen=True)
class ExperimentPage:
    """``verdict`` first, ``figures`` of what ``decides`` beneath (none while there is an ``alarm``: nothing of it may
    be believed); ``ends`` for who may end it."""

    header: PageHeader
    alarm: Notice | None
    verdict: str
    decides: str
    figures: Sequence[Stat]
    ended: str
    simulated: Badge | None
    facts: Facts
    measures: Table
    intervals: str
    setups: Table
    chart: Chart | None
    legend: Legend | None
    no_chart: str
    ends: Sequence[Dialog]


def build(experiment: Experiment, shop: Shop, *, permissions: frozenset[str]) -> ExperimentPage:
    """Three queries; of one that has ended, four."""
    found = experiment_results.results(experiment, window=shop.click_window)
    placement = Placement.objects.filter(slug=experiment.placement).first()
    title = placement.title if placement else experiment.placement
    running = experiment.status == Experiment.Status.RUNNING
    alarm = experiment_words.alarm(experiment, found)
    verdict = experiment_words.verdict(found.main, shop.currency)
    chart = _chart(experiment, shop)
    return ExperimentPage(
        header=_header(experiment, title, placement),
        alarm=Notice("The shoppers are shared out wrongly.", alarm, "bad") if alarm else None,
        verdict=_unbroken("Nothing, for the shoppers are shared out wrongly." if alarm else verdict.text),
        decides=experiment_words.GOALS[str(experiment.goal)],
        figures=() if alarm else _figures(found.main, shop),
        ended="" if running else _ended(experiment, title),
        simulated=SIMULATED if found.simulated else None,
        facts=_facts(experiment, found, title),
        measures=experiment_measures.table(experiment, found, shop.currency),
        intervals=experiment_words.INTERVALS,
        setups=_setups(experiment, shop),
        chart=chart,
        legend=Legend(chart.legend) if chart else None,
        no_chart="Clicks by day are drawn from its second day on.",
        ends=[end_dialog(experiment, keep, title) for keep in KEEPS]
        if running and roles.EDIT_PLACEMENTS in permissions
        else (),
    )


def _header(experiment: Experiment, title: str, placement: Placement | None) -> PageHeader:
    return PageHeader(
        experiment.title,
        f"Is another setup better on “{title}”? Answers name it {experiment.slug}:a and {experiment.slug}:b.",
        actions=linked(Action("Open the placement", page("placement", placement.slug) if placement else "")),
        badge=state_of(experiment),
        crumbs=[Crumb("Experiments", page("experiments"))],
    )


def _ended(experiment: Experiment, title: str) -> str:
    """What was kept, by whom and when."""
    by = experiment_acts.ended_by(experiment)
    kept = "B, the other setup" if experiment.kept == "b" else "A, the placement as it was"
    return f"Ended {numbers.moment(experiment.ended_at)}{f' by {by}' if by else ''}: “{title}” went on with {kept}."


def _unbroken(text: str) -> str:
    """A number and its unit on one line: no break at thin spaces."""
    return text.replace(numbers.THIN, "\u202f")


def _figures(main: Measure, shop: Shop) -> list[Stat]:
    """A and B by what decides; none before the first list."""
    return [
        Stat(mark, experiment_words.value(main.goal, one.value, shop.currency))
        for mark, one in (("A, as before", main.a), ("B, the other setup", main.b))
        if one.n
    ]


def _facts(experiment: Experiment, found: Results, title: str) -> Facts:
    by = experiment.started_by.get_username() if experiment.started_by else ""
    ran = (experiment.ended_at or timezone.now()) - experiment.started_at
    return Facts(
        [
            Fact("Placement", title),
            Fact("Share", f"{experiment.share}{numbers.THIN}% of the shoppers get B", "for good, by chance"),
            Fact("Started", numbers.moment(experiment.started_at) + (f" by {by}" if by else "")),
            Fact("Ran" if experiment.ended_at else "Runs", f"for {numbers.duration(max(ran, timedelta(seconds=1)))}"),
            Fact(
                "Shoppers",
                f"{numbers.count(found.a.subjects)} A, {numbers.count(found.b.subjects)} B",
                "with at least one list",
            ),
            Fact("What decides", experiment_words.GOALS[str(experiment.goal)]),
        ]
    )


def _setups(experiment: Experiment, shop: Shop) -> Table:
    """Beside each other; what differs is marked, and said for who cannot see the mark."""
    rows = [
        Row(
            [
                Cell(line.label, note="differs" if line.differs else ""),
                Cell(line.a),
                Cell(line.b, tone="strong" if line.differs else ""),
            ],
            selected=line.differs,
        )
        for line in experiment_words.lines(experiment.before, experiment.setup, shop.currency)
    ]
    return Table("Setups A and B", [Column("Setting", unseen=True), Column("A"), Column("B")], rows)


def _chart(experiment: Experiment, shop: Shop) -> Chart | None:
    """The click rate by day; None of fewer than two days."""
    found = experiment_results.daily(experiment)
    if not found:
        return None
    first, last = min(day for day, _ in found), max(day for day, _ in found)
    span = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(span) < 2:
        return None
    a, b = (Days(first, [_rate(found.get((day, arm))) for day in span]) for arm in KEEPS)
    return charts.arms_chart(id="experiment-days", what="Clicked of what was shown", a=a, b=b, unit=charts.PERCENT)


def _rate(day: experiment_results.Daily | None) -> float | None:
    return day.clicked / day.shown if day and day.shown else None


def end_dialog(experiment: Experiment, keep: str, title: str) -> Dialog:
    """What will happen to whom."""
    rest = "It cannot be taken up again; its figures stay."
    if keep == "a":
        text = f"From the next request on everybody gets A on “{title}”, as before the experiment. {rest}"
    else:
        text = (
            f"From the next request on everybody gets B on “{title}”: it is the placement’s setup from now on. {rest}"
        )
    return Dialog(
        id=f"end-{keep}",
        title=f"End “{experiment.title}” and keep {keep.upper()}?",
        text=text,
        action=page("experiment-end", experiment.slug),
        confirm=f"End, keep {keep.upper()}",
        keep="Let it run",
        cancel_href=page("experiment", experiment.slug),
        fields={"keep": keep},
    )
