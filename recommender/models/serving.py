"""Lists by a model, who serves since when, and what was answered."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from recommender.models.jobs import TrainingRun


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
    manifest = models.JSONField(default=dict)  # generations.Manifest.to_dict()
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
            # erasing and exports: the lists of one person
            models.Index(
                fields=["shopper_external_id"], condition=~Q(shopper_external_id=""), name="served_list_shopper"
            ),
        ]
