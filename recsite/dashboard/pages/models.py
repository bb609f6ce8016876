"""Models: is a better one ready, and is it safe to let it serve?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from recommender import artifacts, schedule, services
from recommender.models import TrainingRun
from recsite.dashboard import roles, run_progress, run_verdict, runs
from recsite.dashboard.addresses import changed, linked, page
from recsite.dashboard.components import Action, Badge, FilterBar, PageHeader
from recsite.dashboard.pages import models_comparison, models_registry
from recsite.dashboard.pages.model_schedule import short_words
from recsite.dashboard.pages.models_comparison import Comparison
from recsite.dashboard.pages.models_registry import read_filter
from recsite.dashboard.queries import models as queries
from recsite.dashboard.queries.models import Serving
from recsite.dashboard.run_progress import LiveRun
from recsite.dashboard.run_verdict import Verdict
from recsite.dashboard.tables import Table

CSV_HEADER = (
    *("run", "status", "architecture", "trigger", "by", "created_at", "started_at", "finished_at", "seconds"),
    *("ndcg10_all", "ndcg10_new", "best_baseline", "best_baseline_ndcg10_all", "best_baseline_ndcg10_new"),
    *("device", "cpu_seconds", "peak_memory_bytes", "serves", "lists_stored", "model_stored"),
)


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


def build(params: Mapping[str, str], *, permissions: frozenset[str]) -> ModelsPage:
    """``permissions``: of who looks. The queries are as many for one run as for a thousand."""
    serving, active = queries.serving(), queries.active()
    measured = queries.measured()
    a, b = models_comparison.pair(params, measured, serving)
    registry = models_registry.build(params, serving, permissions)
    return ModelsPage(
        header=_header(params, serving, permissions),
        live=run_progress.live_run(active, serving, permissions=permissions) if active else None,
        comparison=models_comparison.build(a, b, serving, measured, params) if a else None,
        verdict=_verdict(a, serving, permissions) if a else None,
        filters=registry.filters,
        table=registry.table,
        rule=artifacts.RULE,
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


def _verdict(a: TrainingRun, serving: Serving | None, permissions: frozenset[str]) -> Verdict | None:
    stored = queries.stored_generation(a)
    actions = runs.switching(a, serving, generation=stored.pk if stored else None, permissions=permissions)
    promotes = any(action.post for action in actions)
    note = "Takes effect with the next request. Roll back with one click." if promotes else ""
    return run_verdict.verdict_of(a, actions=actions, note=note)
