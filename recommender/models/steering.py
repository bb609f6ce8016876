"""What people order: placements and rules."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q


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


class Experiment(models.Model):
    """Two setups of one placement at the same time, each for its share of the shoppers: what is better is measured, not
    guessed. While it runs the placement itself stands still."""

    class Status(models.TextChoices):
        RUNNING = "running"
        ENDED = "ended"

    class Arm(models.TextChoices):
        A = "a"  # the placement as it was
        B = "b"  # the other setup

    class Goal(models.TextChoices):
        CLICKS = "clicks"  # products clicked of those shown
        BUYERS = "buyers"  # shoppers who bought something that was recommended
        REVENUE = "revenue"  # of what was recommended, a shopper
        SPENT = "spent"  # on anything, a shopper

    slug = models.SlugField(max_length=40, unique=True)  # in the API's answers, as ``slug:arm``
    title = models.CharField(max_length=120)
    placement = models.SlugField(max_length=64)
    share = models.PositiveSmallIntegerField()  # percent of the shoppers who get B
    goal = models.CharField(max_length=8, choices=Goal, default=Goal.CLICKS)  # decides; said beforehand
    before = models.JSONField()  # placements.Setup.to_dict() of A
    setup = models.JSONField()  # … of B
    status = models.CharField(max_length=8, choices=Status, default=Status.RUNNING)
    kept = models.CharField(max_length=1, choices=Arm, blank=True)  # what the placement went on with
    started_at = models.DateTimeField(auto_now_add=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["placement"], condition=Q(status="running"), name="experiment_one_a_placement"
            ),
            models.CheckConstraint(condition=Q(share__gte=1) & Q(share__lte=99), name="experiment_share_1_to_99"),
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
