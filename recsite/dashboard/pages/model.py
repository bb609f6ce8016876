"""One run: what it measured, what it learned, what the gate said, and what can be done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender import artifacts, processes
from recommender.model_names import architecture_name, baseline_name
from recommender.models import TrainingRun
from recommender.runs import log_of
from recsite.dashboard import learning, numbers, roles, run_progress, run_verdict, runs
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Crumb, Delta, Dialog, Facts, Notice, PageHeader, Stat, StatStrip
from recsite.dashboard.learning import Learned
from recsite.dashboard.measures import NDCG, SHOWN, SIDES, Measured, ranking
from recsite.dashboard.pages import model_facts, model_figures, model_positions, model_shadow
from recsite.dashboard.pages.model_figures import Figures
from recsite.dashboard.pages.model_positions import PositionsPart
from recsite.dashboard.pages.model_shadow import ShadowPart
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.run_progress import LiveRun
from recsite.dashboard.run_verdict import Verdict
from recsite.dashboard.tables import Table

Status = TrainingRun.Status


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
        live=run_progress.live_run(run, serving, permissions=permissions) if run.is_active else None,
        stats=_stats(run, measured) if measured else None,
        figures=model_figures.build(measured, params) if measured else None,
        learned=() if run.is_active else learning.charts_of(learning.nets_of(run), epochs=0),
        verdict=run_verdict.verdict_of(run, actions=actions),
        shadow=model_shadow.build(run, serving, permissions=permissions),
        positions=model_positions.build(run),
        facts=model_facts.facts(run, generation, serving),
        settings=model_facts.settings(run),
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
