"""Runs, generations, what serves, placements, rules and served lists."""

from __future__ import annotations

from datetime import time, timedelta

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


class TrainingRun(models.Model):
    """One training, and the model version that came of it. A long job is a row with a life."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"  # measured, and the gate let it through
        REFUSED = "refused"  # measured, and the gate did not
        SKIPPED = "skipped"  # too little data
        STOPPED = "stopped"  # by a person
        FAILED = "failed"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

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
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    architecture = models.CharField(max_length=32, default="deep")
    chosen = models.JSONField(default=dict)  # the settings that were asked for; the others are defaults
    config = models.JSONField(default=dict)  # engine.config.Config.to_dict()
    seed = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True, blank=True)
    data_window = models.JSONField(default=dict)  # first, cut, last, events, shoppers, products, digest
    code_version = models.CharField(max_length=64, blank=True)  # codeversion.current() of the child

    step = models.CharField(max_length=32, blank=True)  # read clean features train measure refit gate publish
    progress = models.FloatField(default=0)  # 0 … 1
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
        ordering = ["-id"]
        constraints = [
            # Two retrains at once are refused by the database, whoever asks.
            models.UniqueConstraint(
                models.Value(1), condition=Q(status__in=["queued", "running"]), name="training_run_one_active"
            ),
            models.UniqueConstraint(fields=["trigger", "slot"], name="training_run_one_per_slot"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class Generation(models.Model):
    """Every shopper's list by one model as of one time, built aside and then switched to."""

    class Status(models.TextChoices):
        BUILDING = "building"
        READY = "ready"
        RETIRED = "retired"  # its lists are gone from Redis and disk
        FAILED = "failed"

    run = models.ForeignKey(TrainingRun, on_delete=models.PROTECT, related_name="generations")
    model_name = models.CharField(max_length=32, default="deep")  # the run's ranker, or the baseline published instead
    status = models.CharField(max_length=16, choices=Status, default=Status.BUILDING)
    as_of = models.DateTimeField()
    shoppers_total = models.PositiveIntegerField(default=0)
    shoppers_done = models.PositiveIntegerField(default=0)
    manifest = models.JSONField(default=dict)  # publish.Manifest.to_dict()
    folder = models.CharField(max_length=300, blank=True)  # the stored lists under MODEL_DIR
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ready_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"generation {self.pk}"


class Switch(models.Model):
    """Who serves since when. The newest row serves; a roll-back is a newer row that names an older generation."""

    number = models.BigAutoField(primary_key=True)
    generation = models.ForeignKey(Generation, on_delete=models.PROTECT, related_name="switches")
    reason = models.CharField(max_length=32)  # published, promoted, rolled back
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    fence = models.BigIntegerField(default=0)  # the run id that was allowed to switch
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        verbose_name_plural = "switches"


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


class Tuning(models.Model):
    """A search for a better configuration. A long job is a row with a life; its trials are its history, so that a
    killed search goes on from the last trial that was told."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        STOPPED = "stopped"
        FAILED = "failed"

    ACTIVE = (Status.QUEUED, Status.RUNNING)

    status = models.CharField(max_length=16, choices=Status, default=Status.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    architectures = ArrayField(models.CharField(max_length=32), default=list)
    seed = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True, blank=True)  # the data's end, kept from the first attempt on
    data_window = models.JSONField(default=dict)  # first, last, validated_from, validated_to, shoppers …
    step = models.CharField(max_length=32, blank=True)  # read features trial waiting
    progress = models.FloatField(default=0)  # 0 … 1
    trials_total = models.PositiveIntegerField()
    trials_done = models.PositiveIntegerField(default=0)
    best_value = models.FloatField(null=True, blank=True)  # NDCG@10 on the validation window
    best_config = models.JSONField(default=dict)  # what services.request_training takes as ``config``
    best_trial = models.PositiveIntegerField(null=True, blank=True)
    history = models.JSONField(default=list)  # tuning.Trial.to_dict() by number
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
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                models.Value(1), condition=Q(status__in=["queued", "running"]), name="tuning_one_active"
            ),
            models.CheckConstraint(condition=Q(trials_total__gte=1), name="tuning_has_trials"),
        ]

    def __str__(self) -> str:
        return f"tuning {self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class ShadowList(models.Model):
    """What two models would have shown to one shopper at the moment of a list that was answered to the shop."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="shadow_lists")
    serving_run = models.BigIntegerField()
    recommendation_id = models.CharField(max_length=40)
    shopper_id = models.BigIntegerField()  # Shopper.id
    at = models.DateTimeField()
    shadow = ArrayField(models.BigIntegerField())  # Product.id by position
    serving = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            # Its index also serves shadow_comparison.compare: the lists of a run.
            models.UniqueConstraint(fields=["run", "recommendation_id"], name="shadow_list_unique"),
        ]


class Placement(models.Model):
    """A slot of the shop: what fills it, and what follows when that is not enough."""

    class Strategy(models.TextChoices):
        PERSONAL = "personal"
        SIMILAR = "similar"
        BOUGHT_TOGETHER = "bought_together"
        BASKET = "basket"
        TRENDING = "trending"
        BUY_AGAIN = "buy_again"
        RECENTLY_VIEWED = "recently_viewed"
        POPULAR = "popular"

    class Diversity(models.TextChoices):
        OFF = "off"
        GENTLE = "gentle"
        STRONG = "strong"

    slug = models.SlugField(max_length=64, unique=True)
    title = models.CharField(max_length=120)
    strategy = models.CharField(max_length=24, choices=Strategy)
    n = models.PositiveSmallIntegerField(default=10)
    filters = models.JSONField(default=dict, blank=True)  # as the API's ``filter``
    fallbacks = ArrayField(models.CharField(max_length=24, choices=Strategy), default=list, blank=True)
    # By the database too: a process of the release before knows nothing of it.
    diversity = models.CharField(max_length=8, choices=Diversity, default="off", db_default="off")
    is_builtin = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=100)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "slug"]
        constraints = [
            models.CheckConstraint(condition=Q(n__gte=1) & Q(n__lte=100), name="placement_n_1_to_100"),
        ]

    def __str__(self) -> str:
        return self.title


class Rule(models.Model):
    """What a merchandiser ordered. ``recommender.rules`` applies it; ``RuleVersion`` keeps every past wording."""

    class Verb(models.TextChoices):
        PIN = "pin"
        BOOST = "boost"
        BURY = "bury"
        EXCLUDE = "exclude"
        ONLY = "only"
        SPREAD = "spread"

    class Status(models.TextChoices):
        DRAFT = "draft"
        LIVE = "live"
        PAUSED = "paused"
        ENDED = "ended"

    name = models.CharField(max_length=120)
    verb = models.CharField(max_length=8, choices=Verb)
    status = models.CharField(max_length=8, choices=Status, default=Status.DRAFT)
    condition = models.JSONField(default=dict, blank=True)  # rules.Condition.to_dict(): which products
    parameters = models.JSONField(default=dict, blank=True)  # position, factor, limit, by
    placements = ArrayField(models.SlugField(max_length=64), default=list, blank=True)  # empty: everywhere
    segments = ArrayField(models.CharField(max_length=40), default=list, blank=True)  # empty: everyone
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    priority = models.PositiveSmallIntegerField(default=50)  # 1 runs first
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    note = models.TextField(blank=True)
    version = models.PositiveIntegerField(default=1)
    went_live_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["priority", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(starts_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="rule_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RuleVersion(models.Model):
    """One past wording of a rule: who changed it, when, and how it read."""

    rule = models.ForeignKey(Rule, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    wording = models.JSONField()  # every field of the rule
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-version"]
        constraints = [models.UniqueConstraint(fields=["rule", "version"], name="rule_version_unique")]


class AcceptedOverlap(models.Model):
    """Rules that overlap because somebody meant it (see ``acceptance``)."""

    code = models.CharField(max_length=32)  # conflicts.REMARKS
    rules = ArrayField(models.BigIntegerField())  # Rule.id, in order
    reads = models.JSONField()  # verb, condition and parameters of each when it was accepted
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code", "rules"], name="accepted_overlap_unique")]


class ServedList(models.Model):
    """A list that was answered to a shop: what impressions, clicks and purchases join to."""

    recommendation_id = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    shopper_kind = models.CharField(max_length=8, blank=True)  # shopper, visitor or nobody
    shopper_external_id = models.CharField(max_length=128, blank=True)
    placement = models.CharField(max_length=64)
    generation = models.BigIntegerField(null=True)
    run = models.BigIntegerField(null=True)
    products = ArrayField(models.BigIntegerField())  # Product.id by position
    rules = ArrayField(
        models.BigIntegerField(), default=list
    )  # Rule.id that touched the product at the position; 0: none
    segment = models.CharField(max_length=40, blank=True)
    fallback = models.CharField(max_length=24, blank=True)
    degraded = models.BooleanField(default=False)
    experiment = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=16, default="api")  # api, simulator

    class Meta:
        indexes = [
            # recommender.feedback: lists of a range of days
            models.Index(fields=["at"], name="served_list_at"),
        ]


class SetupStep(models.Model):
    """A step of a first start (``demo`` or ``up``): the page and the terminal read the same rows."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    name = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    progress = models.FloatField(default=0)  # 0 … 1
    detail = models.CharField(max_length=300, blank=True)  # "412,000 of 1,357,000 lines · 61,000 a second"
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position"]


class FeedbackDay(models.Model):
    """Counts of one day's served products, filled by ``feedback.roll_up``: pages read these, never the log.

    A day is the day (in the shop's zone) on which the list was made; what was clicked or bought of it later counts
    there. Every served product is counted once under each ``dimension``.
    """

    class Dimension(models.TextChoices):
        ALL = "all"
        CATEGORY = "category"
        POSITION = "position"
        RULE = "rule"

    day = models.DateField()
    source = models.CharField(max_length=16)  # api, simulator
    placement = models.CharField(max_length=64)
    run = models.BigIntegerField(default=0)  # 0: no model served
    segment = models.CharField(max_length=40, blank=True)
    dimension = models.CharField(max_length=8, choices=Dimension)
    key = models.CharField(max_length=600, blank=True)
    lists = models.IntegerField(default=0)
    served = models.IntegerField(default=0)  # products in the lists
    shown = models.IntegerField(default=0)  # … with an impression
    clicked = models.IntegerField(default=0)
    carted = models.IntegerField(default=0)
    bought = models.IntegerField(default=0)  # after a click
    bought_by_view = models.IntegerField(default=0)  # after an impression only
    revenue = models.FloatField(default=0)
    revenue_by_view = models.FloatField(default=0)

    class Meta:
        constraints = [
            # Its index also serves feedback.totals: a dimension over a range of days.
            models.UniqueConstraint(
                fields=["dimension", "day", "source", "placement", "run", "segment", "key"], name="feedback_day_unique"
            ),
        ]


class FeedbackProgress(models.Model):
    """The one row that says up to which arrival of events the days are counted, and by which windows and zone."""

    counted_to = models.DateTimeField(null=True)
    click_window = models.DurationField()
    view_window = models.DurationField()
    zone = models.CharField(max_length=64)
