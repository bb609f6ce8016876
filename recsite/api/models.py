"""The keys of the API's door."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models


class ApiKey(models.Model):
    """A key, kept only as SHA-256 of its 256 random bits (nothing to guess, so no slow hash is needed)."""

    class Kind(models.TextChoices):
        SECRET = "secret"
        PUBLISHABLE = "publishable"

    class Scope(models.TextChoices):
        EVENTS_WRITE = "events:write"
        RECOMMENDATIONS_READ = "recommendations:read"
        CATALOG_WRITE = "catalog:write"
        PRIVACY_WRITE = "privacy:write"
        ADMIN = "admin"  # may ask as_of and record=false

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind)
    prefix = models.CharField(max_length=16)  # sk_… or pk_… and four letters: how people tell keys apart
    sha256 = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=32, choices=Scope), default=list)
    # Pages that may use a publishable key; none: any that CORS_ORIGINS lets in.
    origins = ArrayField(models.CharField(max_length=255), default=list, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
