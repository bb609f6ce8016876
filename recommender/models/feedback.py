"""What came of served lists, counted by day."""

from __future__ import annotations

from django.db import models


class FeedbackDay(models.Model):
    """Counts of one day's served products, filled by ``roll_up``: pages read these, never the log.

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


class ExperimentDay(models.Model):
    """What came of one day's lists of an experiment for one shopper or visitor: chance gave them their arm, so they are
    the unit that is counted. Filled by ``roll_up``, counted as ``FeedbackDay`` is."""

    experiment = models.SlugField(max_length=40)
    day = models.DateField()
    arm = models.CharField(max_length=1)
    source = models.CharField(max_length=16)
    shopper_kind = models.CharField(max_length=8)
    shopper_external_id = models.CharField(max_length=128)
    first_at = models.DateTimeField()  # of the day's lists
    shown = models.IntegerField(default=0)
    clicked = models.IntegerField(default=0)
    bought = models.IntegerField(default=0)  # after a click, or after an impression only
    revenue = models.FloatField(default=0)  # … of both

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["experiment", "day", "arm", "source", "shopper_kind", "shopper_external_id"],
                name="experiment_day_unique",
            ),
        ]
        indexes = [models.Index(fields=["day"], name="experiment_day_day")]  # roll_up: a day is counted anew


class FeedbackProgress(models.Model):
    """The one row that says up to which arrival of events the days are counted, and by which windows and zone."""

    counted_to = models.DateTimeField(null=True)
    click_window = models.DurationField()
    view_window = models.DurationField()
    zone = models.CharField(max_length=64)
