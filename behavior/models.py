"""Shoppers, what they did, what was refused, and the profile that is folded from it."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone

from catalog.models import Product


class EventType(models.Model):
    """A declared kind of event. Built-in: impression view click cart favourite purchase rate dismiss."""

    name = models.SlugField(max_length=32, unique=True)
    weight = models.FloatField()  # in training: how strongly it says "interested"; ≤ 0 says nothing or the opposite
    is_target = models.BooleanField(default=True)  # whether a recommendation that leads to it was a good one
    is_builtin = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=100)  # order in lists and charts
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Shopper(models.Model):
    """Someone who shops: logged in (``shopper``) or a browser only (``visitor``)."""

    class Kind(models.TextChoices):
        SHOPPER = "shopper"
        VISITOR = "visitor"

    kind = models.CharField(max_length=8, choices=Kind, default=Kind.SHOPPER)
    external_id = models.CharField("shopper id", max_length=128)
    age = models.CharField(max_length=32, blank=True)  # a number of years or a band such as 35-44
    gender = models.CharField(max_length=32, blank=True)
    income = models.CharField(max_length=32, blank=True)  # a number or a band such as 50-74K
    consent = models.BooleanField(null=True, blank=True)  # False: do not profile
    attributes = models.JSONField(default=dict, blank=True)
    is_stub = models.BooleanField(default=False)  # known from events only
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["external_id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "external_id"], name="shopper_unique_id"),
            models.CheckConstraint(condition=~Q(external_id=""), name="shopper_id_not_empty"),
        ]
        indexes = [
            # queries.search_shoppers, the console's search: the id contains what was typed, compared in capitals
            GinIndex(OpClass(Upper("external_id"), name="gin_trgm_ops"), name="shopper_id_upper_trgm"),
        ]

    def __str__(self) -> str:
        return self.external_id


class Event(models.Model):
    """One thing a shopper did. Partitioned by the month of ``at``, the event's own time.

    Unique by (at, event_id): the key of a partitioned table must hold the partition's column.
    ``services.record_events`` refuses an id that is already stored under another time.
    Events of a file without times stand at 1970-01-01 (``UNTIMED``).
    """

    pk = models.CompositePrimaryKey("at", "event_id")
    event_id = models.UUIDField()
    at = models.DateTimeField()
    type = models.CharField(max_length=32)
    # No database constraint on the two keys: products are retired and shoppers erased, never deleted under events,
    # and the check would double the cost of an import.
    shopper = models.ForeignKey(Shopper, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    product = models.ForeignKey(Product, null=True, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    quantity = models.FloatField(null=True)
    price = models.FloatField(null=True)  # of one unit
    value = models.FloatField(null=True)  # of type rate: the rating
    session = models.CharField(max_length=128, blank=True, default="")
    placement = models.CharField(max_length=64, blank=True, default="")
    recommendation_id = models.CharField(max_length=40, blank=True, default="")
    position = models.PositiveSmallIntegerField(null=True)
    consent = models.BooleanField(null=True)
    source = models.CharField(max_length=16, default="api")  # api, import, simulator
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        managed = False  # the migration writes it by hand: PARTITION BY RANGE (at)
        db_table = "behavior_event"

    def __str__(self) -> str:
        return f"{self.type} at {self.at:%Y-%m-%d %H:%M}"


class RejectedEvent(models.Model):
    """The dead letters: what came, why it was refused, and whether it was replayed since."""

    received_at = models.DateTimeField(auto_now_add=True)
    source = models.CharField(max_length=16, default="api")
    payload = models.JSONField()
    code = models.CharField(max_length=40)
    field = models.CharField(max_length=40, blank=True)
    message = models.CharField(max_length=500)
    replayed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            # services.replay_rejects and the Data page: what still waits
            models.Index(fields=["-id"], condition=Q(replayed_at__isnull=True), name="rejected_event_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class ShopperProfile(models.Model):
    """What ``profile_fold.fold`` made of a shopper's events: columns that lists sort by, the rest as JSON."""

    shopper = models.OneToOneField(Shopper, on_delete=models.CASCADE, primary_key=True, related_name="profile")
    segment = models.CharField(max_length=40)
    events = models.PositiveIntegerField(default=0)
    baskets = models.PositiveIntegerField(default=0)
    products = models.PositiveIntegerField(default=0)
    spend = models.FloatField(default=0)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    data = models.JSONField(default=dict)  # profiles.Profile.to_dict()
    as_of = models.DateTimeField()
    updated_at = models.DateTimeField(default=timezone.now)  # when its events began to be read

    class Meta:
        indexes = [
            models.Index(fields=["-updated_at"], name="profile_updated_at"),  # the norms of the last batch
            # the shoppers page: sorted by spend or last visit, filtered by segment
            models.Index(fields=["-spend"], name="profile_spend"),
            models.Index(fields=["-last_at"], name="profile_last_at"),
            models.Index(fields=["segment", "-spend"], name="profile_segment_spend"),
        ]

    def __str__(self) -> str:
        return f"{self.segment} profile of shopper {self.pk}"


class Erasure(models.Model):
    """The receipt of a person's data having been erased. It names nobody: whoever knows an id can hold it against
    ``digests``, nobody can read one out of them."""

    receipt = models.UUIDField(primary_key=True, default=uuid.uuid4)
    at = models.DateTimeField(default=timezone.now)
    digests = ArrayField(models.CharField(max_length=64))  # erasing.digest of each subject: they and their visitors
    shopper_ids = ArrayField(models.BigIntegerField())  # Shopper.id: never given again
    pending = ArrayField(models.CharField(max_length=140), default=list)  # the subjects, until all of it is gone
    erased = models.JSONField(default=dict)  # what: how many
    remaining = models.JSONField(default=dict)  # … were found when it was looked for afterwards
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-at"]
        indexes = [models.Index(fields=["-at"], condition=~Q(pending=[]), name="erasure_pending")]

    def __str__(self) -> str:
        return str(self.receipt)
