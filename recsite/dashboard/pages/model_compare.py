"""Two runs beside each other: every figure, what each is ahead of, what they learned, what was set otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.models import Generation, TrainingRun
from recsite.dashboard import comparison
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Crumb, PageHeader, Segments, Select
from recsite.dashboard.learning import Learned
from recsite.dashboard.measures import PROBABILITY, SHOWN, Measured, ranking, tested_on
from recsite.dashboard.pages import model_lists
from recsite.dashboard.pages.model_choices import read_side, select_of, sides
from recsite.dashboard.pages.model_lists import ListsPart
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.tables import Table


@dataclass(frozen=True)
class ComparePage:
    """A marked, B beside it."""

    header: PageHeader
    a: Select
    b: Select
    side: Segments
    keep: Mapping[str, str]
    tested: str
    table: Table
    said: str
    paired: Table
    lists: ListsPart
    learned: Sequence[Learned]
    settings: Table


def build(a: TrainingRun, b: TrainingRun, params: Mapping[str, str]) -> ComparePage:
    """Both have figures; the caller has seen to it."""
    serving, measured = queries.serving(), queries.measured()
    side = read_side(params)
    measures = [one for cut in (5, 10, 20) for one in ranking(cut)] + [*SHOWN, *PROBABILITY]
    known = [one for one in measures if any(Measured.of(run).own(one, side) is not None for run in (a, b))]
    keys = [_setting(run, serving) for run in (a, b)]
    return ComparePage(
        header=_header(a, b, keys),
        a=select_of("a", "A", measured, a),
        b=select_of("b", "B", measured, b),
        side=sides(params, side),
        keep={key: params[key] for key in ("side", "list") if params.get(key)},
        tested=tested_on(Measured.of(a)),
        table=comparison.figures_table(a, b, serving, side=side, measures=known, baselines=False),
        said=comparison.said_of(a, b, side),
        paired=comparison.paired_table(a, b, side=side),
        lists=model_lists.build(a, b, keys, params),
        learned=comparison.overlaid(a, b),
        settings=comparison.settings_table(a, b),
    )


def _header(a: TrainingRun, b: TrainingRun, keys: Sequence[str]) -> PageHeader:
    """``keys``: of both in Preview, empty where one's lists are no longer kept."""
    preview = page("preview", a=keys[0], b=keys[1]) if all(keys) else ""
    return PageHeader(
        f"Model {a.pk} and model {b.pk}",
        "Which is better, for whom, and what was done otherwise?",
        actions=linked(Action("See both in Preview", preview, "primary")),
        crumbs=[Crumb("Models", page("models"))],
    )


def _setting(run: TrainingRun, serving: Serving | None) -> str:
    if serving and serving.run == run.pk:
        return "serving.live"
    stored: Generation | None = queries.stored_generation(run)
    return f"{stored.pk}.live" if stored else ""
