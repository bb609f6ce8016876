"""Long work: trainings, searches for a better configuration, and when to train without being asked."""

from __future__ import annotations

from datetime import time, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class Job(models.Model):
    """Long work as a row with a life: who asked, how far it is, what died, where. Each kind has its own ``status``."""

    ACTIVE = ("queued", "running")

    status: models.CharField[str, str]
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    seed = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True, blank=True)  # the data's end
    data_window = models.JSONField(default=dict)  # from when to when, how many events, shoppers …
    step = models.CharField(max_length=32, blank=True)
    progress = models.FloatField(default=0)  # 0 … 1
    error = models.TextField(blank=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    stop_requested = models.BooleanField(default=False)
    process_id = models.IntegerField(null=True, blank=True)
    host = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        ordering = ["-id"]

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class TrainingRun(Job):
    """One training, and the model version that came of it.

    Its steps: read, clean, features, train, measure, refit, gate, publish. ``data_window``: first, cut, last, events,
    shoppers, products, digest.
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"  # measured, and the gate let it through
        REFUSED = "refused"  # measured, and the gate did not
        SKIPPED = "skipped"  # too little data
        STOPPED = "stopped"  # by a person
        FAILED = "failed"

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)

    class Publish(models.TextChoices):
        """What becomes of a run that passes the gate."""

        SERVE = "serve"
        SHADOW = "shadow"  # its lists are stored and it is scored beside what serves
        KEEP = "keep"  # its lists are stored; a person may promote it

    trigger = models.CharField(max_length=32, default="manual")  # manual, schedule, demo, data, drift, ctr
    slot = models.CharField(max_length=64, null=True, blank=True)  # which beat of the schedule
    publish = models.CharField(max_length=8, choices=Publish, default=Publish.SERVE)
    warm_start = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    architecture = models.CharField(max_length=32, default="deep")
    chosen = models.JSONField(default=dict)  # the settings that were asked for; the others are defaults
    config = models.JSONField(default=dict)  # engine.config.Config.to_dict()
    code_version = models.CharField(max_length=64, blank=True)  # codeversion.current() of the child

    epoch = models.PositiveIntegerField(default=0)
    epochs = models.PositiveIntegerField(default=0)
    curves = models.JSONField(default=dict)  # {"epoch": [], "loss": [], "validation_loss": [], "validation_ndcg": []}
    rows_per_second = models.FloatField(null=True, blank=True)
    device = models.CharField(max_length=100, blank=True)
    metrics = models.JSONField(default=dict)  # engine.evaluate: windows, models, paired differences, slices
    verdict = models.JSONField(default=dict)  # recommender.gate.Verdict.to_dict()
    artifact = models.CharField(max_length=300, blank=True)  # folder under MODEL_DIR
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    artifact_deleted_at = models.DateTimeField(null=True, blank=True)  # by whom and why: the audit log
    peak_memory_bytes = models.BigIntegerField(null=True, blank=True)
    cpu_seconds = models.FloatField(null=True, blank=True)

    class Meta(Job.Meta):
        constraints = [
            # Two retrains at once are refused by the database, whoever asks.
            models.UniqueConstraint(
                models.Value(1), condition=Q(status__in=["queued", "running"]), name="training_run_one_active"
            ),
            models.UniqueConstraint(fields=["trigger", "slot"], name="training_run_one_per_slot"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"


class TrainingPlan(models.Model):
    """The one row that says when to train without being asked, and how strict the gate is (see ``schedule``)."""

    enabled = models.BooleanField(default=False)
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)  # 1 Monday … 7 Sunday
    at = models.TimeField(default=time(3, 0))  # by the clock of ``zone``
    zone = models.CharField(max_length=64, blank=True)  # empty: the setting SHOP_TIME_ZONE
    # A slot before this moment is nobody's: a schedule set at noon does not start last night's run.
    since = models.DateTimeField(null=True, blank=True)
    new_data_share = models.FloatField(null=True, blank=True)  # of the events that the serving run knew
    ctr_drop = models.FloatField(null=True, blank=True)  # relative, 0 … 1
    drift = models.FloatField(null=True, blank=True)  # population stability index
    cool_down = models.DurationField(default=timedelta(days=1))  # between two runs that nobody asked for
    shadow = models.BooleanField(default=False)  # runs that nobody asked for are scored, not shown
    shadow_run = models.ForeignKey(TrainingRun, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    shadow_since = models.DateTimeField(null=True, blank=True)
    margin_all = models.FloatField(default=0.01)
    margin_new = models.FloatField(default=0.05)
    margin_slices = models.FloatField(default=0.10)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(new_data_share__gt=0) & Q(ctr_drop__gt=0) & Q(drift__gt=0), name="training_plan_thresholds"
            ),
            models.CheckConstraint(
                condition=Q(margin_all__gte=0) & Q(margin_new__gte=0) & Q(margin_slices__gte=0),
                name="training_plan_margins",
            ),
        ]


class Tuning(Job):
    """A search for a better configuration. Its trials are its history, so that a killed search goes on from the last
    trial that was told.

    Its steps: read, features, trial, waiting. ``as_of`` is kept from the first attempt on; ``data_window``: first,
    last, validated_from, validated_to, shoppers …
    """

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        STOPPED = "stopped"
        FAILED = "failed"

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    architectures = ArrayField(models.CharField(max_length=32), default=list)
    trials_total = models.PositiveIntegerField()
    trials_done = models.PositiveIntegerField(default=0)
    best_value = models.FloatField(null=True, blank=True)  # NDCG@10 on the validation window
    best_config = models.JSONField(default=dict)  # what services.request_training takes as ``config``
    best_trial = models.PositiveIntegerField(null=True, blank=True)
    history = models.JSONField(default=list)  # tuning.Trial.to_dict() by number

    class Meta(Job.Meta):
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(status__in=["queued", "running"]), name="tuning_one_active"
            ),
            models.CheckConstraint(condition=Q(trials_total__gte=1), name="tuning_has_trials"),
        ]

    def __str__(self) -> str:
        return f"tuning {self.pk}"
