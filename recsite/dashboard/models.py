"""What people changed, and what they set in the dashboard."""

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """Who did what, when. Append-only, each entry sealed with the one before (SHA-256 chain)."""

    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    by_name = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=64)  # rule.live, model.promote, key.create …
    subject = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict, blank=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "audit entries"


class RecoveryCode(models.Model):
    """A code that opens a log-in once, where the phone is lost (see ``second_factor``)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="recovery_codes")
    sha256 = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True, blank=True)


class ShopSettings(models.Model):
    """The one row of what an admin set in the dashboard; empty means: as in the environment."""

    shop_name = models.CharField(max_length=120, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    click_window_hours = models.PositiveIntegerField(default=24)
    view_window_hours = models.PositiveIntegerField(default=1)
    demand_second_factor = models.BooleanField(default=False, db_default=False)  # of admins
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "shop settings"
