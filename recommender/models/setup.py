"""The steps of a first start."""

from __future__ import annotations

from django.db import models


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
