"""Runs as the registry lists them: a few figures out of each row's JSON, never the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import CharField, F, FloatField, OuterRef, QuerySet, Subquery
from django.db.models.expressions import RawSQL

from recommender.models import Generation, Switch, TrainingRun

_OWN = "(recommender_trainingrun.metrics #>> ARRAY['models', recommender_trainingrun.architecture, %s, %s])::float8"
_BEST = """(recommender_trainingrun.metrics #>> ARRAY[
    'models', recommender_trainingrun.metrics #>> ARRAY['best_baseline', %s], %s, %s])::float8"""
_HEAVY = ("metrics", "curves", "config", "verdict", "data_window", "error")
LATEST = 30  # measured runs that can be compared


@dataclass(frozen=True)
class RunFilter:
    """What the address asks for; "" lets everything through."""

    status: str = ""
    architecture: str = ""


@dataclass(frozen=True)
class Serving:
    """What serves since when: the newest switch. ``model``: the run's own ranker, or the baseline in its place."""

    switch: int
    run: int
    generation: int
    model: str
    since: datetime
    reason: str


@dataclass(frozen=True)
class RunRow:
    """A line of the registry. ``best_all`` and ``best_new`` are the best baseline's; ``generation`` is the newest
    whose lists are stored, ``model_name`` what they are of; ``has_artifact``: the model's files are there."""

    pk: int
    status: str
    architecture: str
    trigger: str
    by: str
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    ndcg_all: float | None
    ndcg_new: float | None
    best_all: float | None
    best_new: float | None
    best_name: str
    device: str
    cpu_seconds: float | None
    peak_memory: int | None
    has_artifact: bool
    generation: int | None
    model_name: str

    @property
    def seconds(self) -> float | None:
        """From its start to its end."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


def matching(wanted: RunFilter) -> QuerySet[TrainingRun]:
    """The runs that a filter lets through, unordered."""
    found = TrainingRun.objects.order_by()
    if wanted.status:
        found = found.filter(status=wanted.status)
    return found.filter(architecture=wanted.architecture) if wanted.architecture else found


def listed(chosen: QuerySet[TrainingRun], *, limit: int | None = None, offset: int = 0) -> list[RunRow]:
    """Newest first. One query."""
    return list(_rows(chosen, limit, offset))


def _rows(chosen: QuerySet[TrainingRun], limit: int | None, offset: int) -> Iterator[RunRow]:
    stored = Generation.objects.filter(run=OuterRef("pk"), status=Generation.Status.READY)
    found = (
        chosen.defer(*_HEAVY)
        .annotate(
            by_name=F("requested_by__username"),
            ndcg_all=_figure(_OWN, "ALL", "ndcg@10"),
            ndcg_new=_figure(_OWN, "NEW", "ndcg@10"),
            best_all=_figure(_BEST, "ALL", "ALL", "ndcg@10"),
            best_new=_figure(_BEST, "NEW", "NEW", "ndcg@10"),
            best_name=RawSQL("recommender_trainingrun.metrics #>> '{best_baseline,ALL}'", [], output_field=CharField()),
            ready=Subquery(stored.values("pk")[:1]),
            ready_name=Subquery(stored.values("model_name")[:1]),
        )
        .order_by("-pk")
    )
    for run in found[offset : None if limit is None else offset + limit]:
        yield RunRow(
            pk=run.pk,
            status=run.status,
            architecture=run.architecture,
            trigger=run.trigger,
            by=run.by_name or "",
            created_at=run.created_at,
            started_at=run.started_at,
            finished_at=run.finished_at,
            ndcg_all=run.ndcg_all,
            ndcg_new=run.ndcg_new,
            best_all=run.best_all,
            best_new=run.best_new,
            best_name=run.best_name or "",
            device=run.device,
            cpu_seconds=run.cpu_seconds,
            peak_memory=run.peak_memory_bytes,
            has_artifact=bool(run.artifact),
            generation=run.ready,
            model_name=run.ready_name or "",
        )


def _figure(sql: str, *path: str) -> RawSQL:
    return RawSQL(sql, path, output_field=FloatField())


def serving() -> Serving | None:
    """One query."""
    switch = Switch.objects.select_related("generation").first()
    if switch is None:
        return None
    of = switch.generation
    return Serving(switch.number, of.run_id, of.pk, of.model_name, switch.at, switch.reason)


def active() -> TrainingRun | None:
    """The run that is queued or running."""
    return TrainingRun.objects.select_related("requested_by").filter(status__in=TrainingRun.ACTIVE).first()


def measured() -> list[tuple[int, str]]:
    """Number and architecture of the newest runs that have figures."""
    found = TrainingRun.objects.exclude(metrics={}).exclude(status__in=TrainingRun.ACTIVE)
    return list(found.values_list("pk", "architecture")[:LATEST])


def architectures() -> list[str]:
    """Those that some run is of."""
    return list(TrainingRun.objects.order_by("architecture").values_list("architecture", flat=True).distinct())


def stored_generation(run: TrainingRun) -> Generation | None:
    """The newest whose lists are kept: what a promotion would let serve."""
    return run.generations.filter(status=Generation.Status.READY).first()
