"""The catalogue: categories and products, and the imports that fill the shop."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper


class Category(models.Model):
    """A node of the category tree. ``path`` is the shop's own spelling: ``Dairy > Milk > White milk``."""

    path = models.CharField(max_length=600, unique=True)
    name = models.CharField(max_length=200)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    depth = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["path"]

    def __str__(self) -> str:
        return self.path


class Product(models.Model):
    """One product. Everything but the id may be missing; a missing stock means available."""

    external_id = models.CharField("product id", max_length=128, unique=True)
    title = models.CharField(max_length=500, blank=True)
    category = models.ForeignKey(Category, null=True, blank=True, on_delete=models.PROTECT, related_name="products")
    brand = models.CharField(max_length=200, blank=True)
    price = models.DecimalField(max_digits=14, decimal_places=4, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    stock = models.IntegerField(null=True, blank=True)
    tags = ArrayField(models.CharField(max_length=100), default=list, blank=True)
    description = models.TextField(blank=True)
    image_url = models.URLField(max_length=1000, blank=True)
    rating = models.FloatField(null=True, blank=True)
    rating_count = models.PositiveIntegerField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True)  # every further column, by its name: str, float or bool
    hidden = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True)
    is_stub = models.BooleanField(default=False)  # known from events only
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)  # bulk writers set it themselves

    class Meta:
        ordering = ["external_id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(price__isnull=True) | Q(price__gte=0), name="product_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=0), name="product_stock_not_negative"
            ),
            models.CheckConstraint(condition=~Q(external_id=""), name="product_id_not_empty"),
        ]
        indexes = [
            # queries.search, the console's search and its list of products: title, id or brand contains what was typed
            # (icontains compares in capitals, and only an index of the capitals serves it)
            GinIndex(
                OpClass(Upper("title"), name="gin_trgm_ops"),
                OpClass(Upper("external_id"), name="gin_trgm_ops"),
                OpClass(Upper("brand"), name="gin_trgm_ops"),
                name="product_words_trgm",
            ),
            # queries.changed_since: the availability loop asks every two seconds
            models.Index(fields=["updated_at"], name="product_updated_at"),
            # queries.page: the list filtered by brand
            models.Index(fields=["brand"], name="product_brand"),
        ]

    def __str__(self) -> str:
        return self.title or self.external_id

    @property
    def sellable(self) -> bool:
        """Whether it may be recommended at all."""
        return not self.hidden and self.retired_at is None and self.stock != 0


class Import(models.Model):
    """One file on its way into the shop: a row with progress, and what was found in the file."""

    class Kind(models.TextChoices):
        PRODUCTS = "products"
        SHOPPERS = "shoppers"
        EVENTS = "events"

    class Status(models.TextChoices):
        QUEUED = "queued"  # uploaded; a worker will take it
        RUNNING = "running"
        STORED = "stored"
        REFUSED = "refused"  # rejects, and not told to allow them: nothing was stored
        FAILED = "failed"

    kind = models.CharField(max_length=16, choices=Kind)
    status = models.CharField(max_length=16, choices=Status, default=Status.RUNNING)
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=32, default="import")
    bytes_total = models.BigIntegerField(default=0)
    rows_read = models.BigIntegerField(default=0)
    rows_total = models.BigIntegerField(null=True, blank=True)  # while it is read: by the bytes that were
    step = models.CharField(max_length=16, blank=True)  # reading, storing, tidying
    progress = models.FloatField(default=0)  # 0 … 1 of the whole import
    stored = models.BigIntegerField(default=0)  # new rows
    changed = models.BigIntegerField(default=0)  # rows that were there and now differ
    duplicate = models.BigIntegerField(default=0)  # rows that were there already
    rejected = models.BigIntegerField(default=0)
    rejects_file = models.CharField(max_length=1000, blank=True)
    upload = models.CharField(max_length=500, blank=True)  # under DATA_DIR; empty: it came by a command
    allow_rejects = models.BooleanField(default=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    host = models.CharField(max_length=255, blank=True)  # with the process, so that one that was killed is found
    process_id = models.PositiveIntegerField(null=True, blank=True)
    health = models.JSONField(default=dict, blank=True)  # catalog.health.ImportHealth.to_dict()
    error = models.TextField(blank=True)
    started_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} from {self.file_name}"

    @property
    def rows_per_second(self) -> float | None:
        """Rows read per second so far, None before anything was read."""
        seconds = ((self.finished_at or self.updated_at) - self.started_at).total_seconds()
        return self.rows_read / seconds if seconds > 0 and self.rows_read else None
