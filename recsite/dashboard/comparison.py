"""Two runs side by side: figures with their difference, curves over one another, settings that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from recommender.model_names import architecture_name, baseline_name
from recommender.models import TrainingRun
from recsite.dashboard import learning, numbers
from recsite.dashboard.charts import Curve, curves_chart
from recsite.dashboard.components import Delta
from recsite.dashboard.learning import LABEL_ROOM, Learned
from recsite.dashboard.measures import HEADLINE, NDCG, Measure, Measured, Z, errors_together
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.tables import Cell, Column, Row, Table

#: On other days than one another's, two runs are compared by this alone.
LEAD = Measure("lead", "Ahead of the best baseline", "each on its own later days", "percent")


def word_of(run: TrainingRun, serving: Serving | None) -> str:
    """``serving``, ``candidate``, ``refused`` or ``earlier``, behind its number in a heading."""
    if serving and serving.run == run.pk:
        return "serving"
    if run.status == TrainingRun.Status.REFUSED:
        return "refused"
    return "candidate" if serving is None or run.pk > serving.run else "earlier"


def figures_table(
    a: TrainingRun,
    b: TrainingRun | None,
    serving: Serving | None,
    *,
    side: str,
    measures: Sequence[Measure],
    baselines: bool = True,
) -> Table:
    """A marked, B beside it, their difference, and (``baselines``) the best baseline of each kind in A's run."""
    ours, theirs = Measured.of(a), Measured.of(b) if b else None
    families = ours.families() if baselines else {}
    columns = [Column("Measure"), Column(f"{a.pk} {word_of(a, serving)}", numeric=True, marked=True)]
    if b:
        columns.append(Column(f"{b.pk} {word_of(b, serving)}", numeric=True))
        columns.append(Column(f"{a.pk} vs {b.pk}", numeric=True, wide=True))
    columns += [Column(words, numeric=True, wide=True) for words in families]
    rows = [_row(measure, ours, theirs, side, list(families.values())) for measure in measures]
    rows.append(_lead_row(ours, theirs, side, len(families)))
    return Table(f"What run {a.pk} measured" + (f", beside run {b.pk}" if b else ""), columns, rows)


def _row(measure: Measure, ours: Measured, theirs: Measured | None, side: str, families: Sequence[str]) -> Row:
    own = ours.own(measure, side)
    cells = [Cell(measure.label, note=measure.note), Cell(measure.text(own), tone="strong")]
    if theirs is not None:
        cells.append(Cell(measure.text(theirs.own(measure, side))))
        delta = difference_of(measure, ours, theirs, side)
        cells.append(Cell(delta) if delta else Cell(numbers.NONE, tone="muted"))
    cells += [Cell(measure.text(ours.figure(name, measure, side)), tone="muted") for name in families]
    return Row(cells)


def _lead_row(ours: Measured, theirs: Measured | None, side: str, families: int) -> Row:
    lead = ours.lead(side)
    cells = [Cell(LEAD.label, note=f"NDCG@10, {LEAD.note}"), Cell(_lead(lead), tone="strong")]
    if theirs is not None:
        cells += [Cell(_lead(theirs.lead(side))), Cell(LEAD.change(lead, theirs.lead(side)))]
    return Row(cells + [Cell("")] * families)


def _lead(value: float | None) -> str:
    return numbers.NONE if value is None else f"{numbers.signed(100 * value, 1)}{numbers.THIN}%"


def difference_of(measure: Measure, ours: Measured, theirs: Measured, side: str) -> Delta | None:
    """A against B, the headline with its noise; None where they were measured on different days."""
    if not ours.same_days(theirs):
        return None
    noise = 0.0
    if measure.key == HEADLINE:
        noise = Z * errors_together(ours.error(ours.model, side), theirs.error(theirs.model, side))
    return measure.change(ours.own(measure, side), theirs.own(measure, side), noise=noise)


def said_of(a: TrainingRun, b: TrainingRun | None, side: str) -> str:
    """What the difference means, in a sentence beneath the table."""
    if b is None:
        return "Only one run was measured, so it stands beside its baselines."
    ours, theirs = Measured.of(a), Measured.of(b)
    if not ours.same_days(theirs):
        return "The two were measured on different later days: compare how far each is ahead of its own baselines."
    own, other = ours.own(NDCG, side), theirs.own(NDCG, side)
    if own is None or other is None:
        return ""
    error = errors_together(ours.error(ours.model, side), theirs.error(theirs.model, side))
    low, high = own - other - Z * error, own - other + Z * error
    span = f"{numbers.metric(low, 4)} to {numbers.metric(high, 4)}"
    verdict = "holds 0: no difference beyond chance" if low <= 0 <= high else "excludes 0"
    return f"NDCG@10 of {a.pk} less that of {b.pk}: the 95 % interval, {span}, {verdict} (errors taken as unpaired)."


def paired_table(a: TrainingRun, b: TrainingRun, *, side: str) -> Table:
    """Each baseline, and how far each of the two runs is ahead of it, shopper by shopper."""
    ours, theirs = Measured.of(a), Measured.of(b)
    names = ours.baselines + [name for name in theirs.baselines if name not in ours.baselines]
    columns = [
        Column("Baseline"),
        Column("NDCG@10", numeric=True, wide=True),
        Column(f"{a.pk} ahead by", numeric=True, marked=True),
        Column(f"{b.pk} ahead by", numeric=True),
    ]
    rows = []
    for name in names:
        figure = ours.figure(name, NDCG, side)
        found = [measured.difference(name, side) for measured in (ours, theirs)]
        deltas = [Cell(one.delta() if one else "not measured", tone="" if one else "muted") for one in found]
        rows.append(Row([Cell(baseline_name(name)), Cell(numbers.metric(figure)), *deltas]))
    return Table("Paired differences of NDCG@10 against each baseline, with 95 % bounds", columns, rows)


def overlaid(a: TrainingRun, b: TrainingRun) -> list[Learned]:
    """Loss on later days of each network that both have, and NDCG@10 of the last of each, one over the other."""
    ours = {net.name: net for net in learning.nets_of(a)}
    theirs = {net.name: net for net in learning.nets_of(b)}
    made = []
    for name in (name for name in ours if name in theirs):
        first, second = ours[name], theirs[name]
        curves = [Curve(f"{a.pk}", first.later_loss), Curve(f"{b.pk}", second.later_loss, "grey")]
        what = f"{first.title} on later days"
        epochs = max(first.epochs, second.epochs)
        made.append(
            Learned(
                what, curves_chart(id=f"both-{name}", what=what, curves=curves, epochs=epochs, label_room=LABEL_ROOM)
            )
        )
    ranked = [(run, list(nets.values())[-1], tone) for run, nets, tone in ((a, ours, ""), (b, theirs, "grey")) if nets]
    if ranked:
        what = "NDCG@10 on later days"
        curves = [Curve(f"{run.pk}", net.later_ndcg, tone) for run, net, tone in ranked]
        epochs = max(net.epochs for _, net, _ in ranked)
        made.append(
            Learned(what, curves_chart(id="both-ndcg", what=what, curves=curves, epochs=epochs, label_room=LABEL_ROOM))
        )
    return made


def settings_table(a: TrainingRun, b: TrainingRun) -> Table:
    """What was set otherwise; data and code too."""
    ours, theirs = _settings(a), _settings(b)
    names = [name for name in ours | theirs if ours.get(name) != theirs.get(name)]
    rows = [
        Row([Cell(name), Cell(ours.get(name, numbers.NONE)), Cell(theirs.get(name, numbers.NONE))]) for name in names
    ]
    columns = [Column("Setting"), Column(f"{a.pk}", numeric=True, marked=True), Column(f"{b.pk}", numeric=True)]
    return Table("Settings that differ", columns, rows, empty="Settings, data and code are the same.")


def _settings(run: TrainingRun) -> dict[str, str]:
    window = run.data_window or {}
    events = window.get("events")
    found = {
        "Architecture": architecture_name(run.architecture),
        "Seed": str(run.seed),
        "Data up to": str(window.get("last") or window.get("as_of") or "")[:16].replace("T", " "),
        "Events": numbers.count(events) if events is not None else "",
        "Data digest": str(window.get("digest") or "")[:12],
        "Code": run.code_version,
        "Device": run.device,
    }
    return {**found, **{words_of(key): setting_text(value) for key, value in _config(run).items()}}


def _config(run: TrainingRun) -> Mapping[str, Any]:
    return {key: value for key, value in (run.config or {}).items() if key not in ("architecture", "seed")}


def words_of(setting: str) -> str:
    """``learning_rate`` → ``Learning rate``."""
    return setting.replace("_", " ").capitalize()


def setting_text(value: Any) -> str:
    """A setting as people write it: ``128, 64``, ``by itself``, ``.004``."""
    if value is None:
        return "by itself"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(setting_text(part) for part in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {setting_text(part)}" for key, part in value.items()) or "as declared"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)
