"""One run: what it measured, what it learned, what the gate said, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from recommender import artifacts, processes
from recommender.engine.config import Config
from recommender.models import TrainingRun
from recommender.runs import log_of
from recsite.dashboard import charts, learning, numbers, roles, runs
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.charts import Chart
from recsite.dashboard.comparison import setting_text, words_of
from recsite.dashboard.components import (
    Action,
    Crumb,
    Delta,
    Dialog,
    Fact,
    Facts,
    Notice,
    PageHeader,
    Segment,
    Segments,
    Stat,
    StatStrip,
)
from recsite.dashboard.learning import Learned
from recsite.dashboard.measures import (
    CUTS,
    NDCG,
    PROBABILITY,
    SHOWN,
    SIDES,
    Difference,
    Measured,
    Z,
    architecture_name,
    baseline_name,
    errors_together,
    ranking,
    tested_on,
)
from recsite.dashboard.pages import model_positions, model_shadow
from recsite.dashboard.pages.model_positions import PositionsPart
from recsite.dashboard.pages.model_shadow import ShadowPart
from recsite.dashboard.pages.models import sides
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.runs import LiveRun, Verdict
from recsite.dashboard.tables import Cell, Column, Row, Table

Status = TrainingRun.Status
_DIMENSIONS = {"history": "History", "category": "Category", "segment": "Segment"}


@dataclass(frozen=True)
class Figures:
    """The tables of a measured run, and the choices above them."""

    tested: str
    side: Segments
    cut: Segments
    ranking: Table
    shown: Table
    probability: Facts
    calibration: Chart | None
    calibration_text: str
    dimension: Segments | None
    slices: Table | None
    slices_note: str


@dataclass(frozen=True)
class ModelPage:
    """One run's page. ``log`` is the end of what its process printed, where it failed."""

    header: PageHeader
    notice: Notice | None
    log: str
    live: LiveRun | None
    stats: StatStrip | None
    figures: Figures | None
    learned: Sequence[Learned]
    verdict: Verdict | None
    shadow: ShadowPart | None
    positions: PositionsPart | None
    facts: Facts
    settings: Table
    delete: Dialog | None
    rule: str


def build(run: TrainingRun, params: Mapping[str, str], *, permissions: frozenset[str]) -> ModelPage:
    """``permissions``: of who looks."""
    serving = queries.serving()
    stored = queries.stored_generation(run)
    measured = Measured.of(run)
    generation = stored.pk if stored else None
    actions = runs.switching(run, serving, generation=generation, permissions=permissions)
    actions += model_shadow.put_action(run, serving, permissions)
    return ModelPage(
        header=_header(run, serving, generation, permissions),
        notice=_notice(run, serving, permissions),
        log=processes.tail(log_of(run.pk), 40) if run.status == Status.FAILED else "",
        live=runs.live_run(run, serving, permissions=permissions) if run.is_active else None,
        stats=_stats(run, measured) if measured else None,
        figures=_figures(measured, params) if measured else None,
        learned=() if run.is_active else learning.charts_of(learning.nets_of(run), epochs=0),
        verdict=runs.verdict_of(run, actions=actions),
        shadow=model_shadow.build(run, serving, permissions=permissions),
        positions=model_positions.build(run),
        facts=_facts(run, generation, serving),
        settings=_settings(run),
        delete=_delete(run, permissions),
        rule=artifacts.RULE,
    )


def _header(
    run: TrainingRun, serving: Serving | None, generation: int | None, permissions: frozenset[str]
) -> PageHeader:
    actions = []
    if run.metrics and serving and serving.run != run.pk:
        compare = page("model-compare", a=run.pk, b=serving.run)
        actions.append(Action(f"Compare with {serving.run}", compare, "quiet"))
    if roles.RETRAIN in permissions and not run.is_active:
        actions.append(Action("Train again like this", page("retrain", like=run.pk)))
    when, by = numbers.moment(run.started_at or run.created_at), runs.asked_by(run.trigger, runs.person_of(run))
    return PageHeader(
        runs.title_of(run),
        f"{architecture_name(run.architecture)}, trained {when}, started {by}",
        actions=linked(*actions),
        badge=runs.badge_of(run, serving, stored=generation is not None),
        crumbs=[Crumb("Models", page("models"))],
    )


def delete_dialog(run: TrainingRun) -> Dialog:
    """What goes and what stays."""
    return Dialog(
        id="delete-model",
        title=f"Delete the files of model {run.pk}?",
        text="Its weights and stored lists go at once and for good: it cannot serve again. Figures and curves stay.",
        action=page("model-delete", run.pk),
        confirm="Delete the files",
        type_this=str(run.pk),
        cancel_href=page("model", run.pk),
    )


def _delete(run: TrainingRun, permissions: frozenset[str]) -> Dialog | None:
    """Only for who may, and where nothing needs the files."""
    if roles.RETRAIN not in permissions or run.is_active or not run.artifact or artifacts.needed_for(run):
        return None
    return delete_dialog(run)


def _notice(run: TrainingRun, serving: Serving | None, permissions: frozenset[str]) -> Notice | None:
    goes_on = f"Model {serving.run} goes on serving." if serving else "Best sellers serve until a run succeeds."
    retry = [Action("Retry", page("retrain"), post=True, small=True, fields={"like": str(run.pk)})]
    actions = retry if roles.RETRAIN in permissions else []
    if run.status == Status.FAILED:
        reason = (run.error.strip().splitlines() or ["no reason was given"])[-1]
        where = (
            f" at epoch {run.epoch}" if run.epoch and run.step == "train" else f" at “{run.step}”" if run.step else ""
        )
        return Notice(f"Run {run.pk} failed{where}: {reason}", goes_on, "bad", actions)
    if run.status == Status.SKIPPED:
        return Notice(f"Run {run.pk} had too little data: {run.error}.", goes_on, "warn", actions)
    if run.status == Status.STOPPED:
        return Notice(f"Run {run.pk} was stopped.", goes_on, "grey", actions)
    return None


def _stats(run: TrainingRun, measured: Measured) -> StatStrip:
    stats = []
    for side, words in SIDES.items():
        best = measured.best(side)
        other, own = measured.figure(best, NDCG, side), measured.own(NDCG, side)
        difference = measured.difference(best, side)
        delta = NDCG.change(own, other, noise=difference.noise if difference else 0.0)
        label = f"NDCG@10, {words.lower()}"
        note = f"{baseline_name(best)}: {numbers.metric(other)}" if best else ""
        stats.append(Stat(label, numbers.metric(own), delta=Delta(delta.text, delta.sign, delta.better, note)))
    for measure in (ranking()[1], SHOWN[0]):
        other = measured.figure(measured.best(), measure)
        value, unit = _parted(measure.text(measured.own(measure)))
        note = f"best baseline {measure.text(other)}" if other is not None else ""
        stats.append(Stat(measure.label, value, unit, note=note))
    took = (run.finished_at - run.started_at).total_seconds() if run.finished_at and run.started_at else None
    stats.append(Stat("Took", numbers.duration(took), note=run.device))
    return StatStrip(stats)


def _parted(text: str) -> tuple[str, str]:
    """The figure and its small unit."""
    value, _, unit = text.partition(numbers.THIN)
    return value, unit


# --- Figures ---


def _figures(measured: Measured, params: Mapping[str, str]) -> Figures:
    side = params.get("side", "ALL") if params.get("side") in SIDES else "ALL"
    cut = next((cut for cut in CUTS if str(cut) == params.get("k")), 10)
    dimensions = measured.dimensions
    dimension = params.get("by") if params.get("by") in dimensions else next(iter(dimensions), "")
    calibration, text = _calibration(measured)
    return Figures(
        tested=tested_on(measured),
        side=sides(params, side),
        cut=Segments(
            "How many places count",
            [Segment(f"Top {one}", changed(params, k="" if one == 10 else one), one == cut) for one in CUTS],
        ),
        ranking=_ranking_table(measured, side, cut),
        shown=_shown_table(measured),
        probability=Facts(
            [
                Fact(one.label, one.text(measured.own(one)), one.note)
                for one in PROBABILITY
                if measured.own(one) is not None
            ]
        ),
        calibration=calibration,
        calibration_text=text,
        dimension=_dimension_choice(dimensions, dimension, params),
        slices=_slices_table(measured, dimension) if dimension else None,
        slices_note=_slices_note(measured, dimension),
    )


def _ranking_table(measured: Measured, side: str, cut: int) -> Table:
    """The run and every baseline, best first; the paired difference is of NDCG@10, which is what the gate goes by."""
    measures = ranking(cut)
    columns = [
        Column("Model"),
        Column(measures[0].label, numeric=True),
        Column("This run ahead by", numeric=True),
        *(Column(measure.label, numeric=True, wide=True) for measure in measures[1:]),
    ]
    names = [measured.model, *measured.baselines]
    names.sort(key=lambda name: -(measured.figure(name, measures[0], side) or 0.0))
    rows = [_ranking_row(measured, name, side, measures) for name in names]
    return Table(f"{SIDES[side]}: this run and the baselines on the same later days", columns, rows)


def _ranking_row(measured: Measured, name: str, side: str, measures: Sequence[Any]) -> Row:
    own = name == measured.model
    error = measured.error(name, side) if measures[0].key == NDCG.key else None
    note = f"± {numbers.metric(Z * error)}" if error is not None else ""
    difference = None if own else measured.difference(name, side)
    ahead = Cell(difference.delta()) if difference else Cell("" if own else numbers.NONE)
    title = "This run" if own else baseline_name(name)
    figures = [Cell(one.text(measured.figure(name, one, side)), tone="strong" if own else "") for one in measures[1:]]
    first = Cell(measures[0].text(measured.figure(name, measures[0], side)), note=note, tone="strong" if own else "")
    return Row([Cell(title), first, ahead, *figures], selected=own)


def _shown_table(measured: Measured) -> Table:
    """What the first ten places are like, for the run and the baselines."""
    names = [measured.model, *measured.baselines]
    measures = [
        one for one in (*SHOWN, PROBABILITY[0]) if any(measured.figure(name, one) is not None for name in names)
    ]
    columns = [Column("Model")]
    columns += [Column(one.label, numeric=True, wide=place > 1) for place, one in enumerate(measures)]
    rows = [
        Row(
            [
                Cell("This run" if name == measured.model else baseline_name(name)),
                *(Cell(one.text(measured.figure(name, one))) for one in measures),
            ],
            selected=name == measured.model,
        )
        for name in names
    ]
    return Table("What the lists of ten are like", columns, rows)


def _calibration(measured: Measured) -> tuple[Chart | None, str]:
    bins = measured.calibration
    if not bins:
        return None, ""
    pairs = [(p, o, n) for p, o, n in zip(bins["predicted"], bins["observed"], bins["counts"], strict=True) if n]
    chart = charts.reliability_chart(
        id="calibration",
        what="Bought, by the probability that was said",
        said=[said for said, _, _ in pairs],
        happened=[happened for _, happened, _ in pairs],
        counts=[count for _, _, count in pairs],
    )
    error = bins.get("error")
    text = f"On average {numbers.points(error)} off (expected calibration error)." if error is not None else ""
    return chart, text


# --- Slices ---


def _dimension_choice(dimensions: Sequence[str], chosen: str | None, params: Mapping[str, str]) -> Segments | None:
    if len(dimensions) < 2:
        return None
    items = [Segment(_dimension(name), changed(params, by=name) + "#slices", name == chosen) for name in dimensions]
    return Segments("Who is counted apart", items)


def _dimension(name: str) -> str:
    return _DIMENSIONS.get(name, name.replace("_", " ").capitalize())


def _slices_note(measured: Measured, dimension: str | None) -> str:
    best = f" Best baseline: {baseline_name(measured.best()).lower()}." if measured.best() else ""
    if dimension == "category":
        return f"The share of later purchases of each category that stood among the first ten.{best}"
    paired = measured.slice_differences(dimension or "", measured.best())
    how = "taken shopper by shopper" if paired else "errors taken as unpaired"
    bounds = f"with 95 % bounds; ≈ where those of the difference hold 0 ({how})"
    return f"NDCG@10 within each group of shoppers, {bounds}. Groups of fewer than 20 are left out.{best}"


def _slices_table(measured: Measured, dimension: str) -> Table:
    """Each group: how many, this run, the best baseline on any product, and what is new to the shopper."""
    own, best = measured.slices(dimension), measured.best()
    others = measured.slices(dimension, best) if best else {}
    counted = "items" if dimension == "category" else "shoppers"
    columns = [
        Column(_dimension(dimension)),
        Column("Purchases" if counted == "items" else "Shoppers", numeric=True, wide=True),
        Column("This run", numeric=True),
        Column("Best baseline", numeric=True, wide=True),
        Column("Against it", numeric=True),
        Column("New to the shopper", numeric=True, wide=True),
    ]
    labels = sorted(own, key=lambda label: _slice_order(dimension, label, own[label].get(counted) or 0))
    paired = measured.slice_differences(dimension, best)
    rows = [_slice_row(label, own[label], others.get(label, {}), counted, paired.get(label)) for label in labels]
    return Table(f"By {_dimension(dimension).lower()}", columns, rows)


def _slice_order(dimension: str, label: str, size: int) -> tuple[float, str]:
    """Lengths of history from short to long, all else by size; what is not known comes last."""
    if dimension == "history":
        first = label.removeprefix("over ").split("-")[0]
        return (float(first) if first.isdigit() else 1e9, label)
    return (1.0 if label == "unknown" else -float(size), label)


def _slice_row(
    label: str, own: Mapping[str, Any], other: Mapping[str, Any], counted: str, paired: Difference | None
) -> Row:
    unpaired = errors_together(own.get("ALL_se"), other.get("ALL_se"))
    noise = Z * (unpaired if paired is None or paired.error is None else paired.error)
    name = "not known" if label == "unknown" else label
    if counted == "shoppers" and label[:1].isdigit() and label.replace("-", "").isdigit() and "-" in label:
        name = label.replace("-", f" {numbers.DASH} ")
    return Row(
        [
            Cell(name),
            Cell(numbers.count(own.get(counted))),
            Cell(numbers.metric(own.get("ALL")), note=_bounds(own.get("ALL_se")), tone="strong"),
            Cell(numbers.metric(other.get("ALL"))),
            Cell(NDCG.change(own.get("ALL"), other.get("ALL"), noise=noise)),
            Cell(numbers.metric(own.get("NEW")), note=_bounds(own.get("NEW_se"))),
        ]
    )


def _bounds(error: float | None) -> str:
    return f"± {numbers.metric(Z * error)}" if error is not None else ""


# --- What it was made of ---


def _facts(run: TrainingRun, generation: int | None, serving: Serving | None) -> Facts:
    window = run.data_window or {}
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    lists = f"generation {generation}" if generation else "not stored"
    if serving and serving.run == run.pk:
        lists += f", serving since {numbers.moment(serving.since)}"
    return Facts(
        [
            Fact("Data", _span(window)),
            Fact("Holds", _amounts(window)),
            Fact("Left out", _cleaned(window.get("cleaning") or {})),
            Fact("Data digest", str(window.get("digest") or "")[:16]),
            Fact("Asked for", numbers.moment(run.created_at), runs.asked_by(run.trigger, runs.person_of(run))),
            Fact("Took", numbers.duration(took) if took else "", f"attempt {run.attempts}" if run.attempts > 1 else ""),
            Fact("Device", run.device, f"{numbers.count(run.rows_per_second)} rows/s" if run.rows_per_second else ""),
            Fact(
                "Cost",
                f"{numbers.count(run.cpu_seconds)} CPU seconds" if run.cpu_seconds is not None else "",
                _memory(run),
            ),
            Fact("Seed", str(run.seed)),
            *([Fact("Began with", str(start))] if (start := (run.metrics or {}).get("start")) else []),
            Fact("Code version", run.code_version),
            Fact("Artifact", run.artifact_sha256[:16], run.artifact),
            Fact("Lists", lists),
        ]
    )


def _memory(run: TrainingRun) -> str:
    return f"{numbers.size(run.peak_memory_bytes)} of memory at most" if run.peak_memory_bytes else ""


def _span(window: Mapping[str, Any]) -> str:
    first, last = str(window.get("first") or "")[:10], str(window.get("last") or "")[:10]
    return f"{first} {numbers.DASH} {last}" if first and last else ""


def _amounts(window: Mapping[str, Any]) -> str:
    parts = [
        numbers.plural(int(window[key]), key[:-1])
        for key in ("events", "shoppers", "products")
        if isinstance(window.get(key), int)
    ]
    return ", ".join(parts)


def _cleaned(cleaning: Mapping[str, Any]) -> str:
    """What cleaning left out or mended, by its own names."""
    found = [(key, value) for key, value in cleaning.items() if key != "read" and isinstance(value, int) and value]
    if not cleaning:
        return ""
    return ", ".join(f"{key.replace('_', ' ')} {numbers.count(value)}" for key, value in found) or "nothing"


def _settings(run: TrainingRun) -> Table:
    """Every setting; what differs from the default is strong."""
    usual = Config().to_dict()
    rows = [
        Row(
            [
                Cell(words_of(key), tone="" if value == usual.get(key) else "strong"),
                Cell(setting_text(value), tone="" if value == usual.get(key) else "strong"),
                Cell(setting_text(usual.get(key)), tone="muted"),
            ]
        )
        for key, value in sorted((run.config or {}).items())
        if key not in ("architecture", "seed")
    ]
    columns = [Column("Setting"), Column("This run", numeric=True), Column("Usual", numeric=True, wide=True)]
    return Table("Settings of the run", columns, rows, empty="No settings were kept.")
