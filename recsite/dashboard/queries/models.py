"""Training runs with what became of them: which have lists stored, which serves, where a roll-back would lead."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.fields.json import KeyTransform

from recommender.models import Generation, Switch, TrainingRun

SORTS = {"number": "pk", "started": "started_at"}
_HEAVY = ("metrics", "curves", "config", "data_window")


def runs(*, status: str = "", trigger: str = "") -> QuerySet[TrainingRun]:
    """Runs for a list: without their long tables, but with ``models_table`` (metrics by model) and ``has_lists``."""
    ready = Generation.objects.filter(run=OuterRef("pk"), status=Generation.Status.READY)
    rows = TrainingRun.objects.annotate(models_table=KeyTransform("models", "metrics"), has_lists=Exists(ready)).defer(
        *_HEAVY
    )
    if status:
        rows = rows.filter(status=status)
    return rows.filter(trigger=trigger) if trigger else rows


def serving() -> Switch | None:
    """The newest switch with its generation and run: what serves."""
    return Switch.objects.select_related("generation__run", "by").first()


def before(switch: Switch | None) -> Generation | None:
    """The stored generation that a roll-back would let serve, None where there is none."""
    if switch is None:
        return None
    return (
        Generation.objects.filter(switches__number__lt=switch.number, status=Generation.Status.READY)
        .exclude(pk=switch.generation_id)
        .order_by("-switches__number")
        .first()
    )


def active() -> TrainingRun | None:
    """The run that is queued or running; the database allows one."""
    return TrainingRun.objects.filter(status__in=TrainingRun.ACTIVE).first()


def has_lists(run: TrainingRun) -> bool:
    """Whether lists of the run are stored, so that it can serve at once."""
    return run.generations.filter(status=Generation.Status.READY).exists()
