"""What keys are called. The table of them all is in the package's docstring."""

from __future__ import annotations

from django.conf import settings


def key(*parts: object) -> str:
    """The full name of a key."""
    return ":".join((settings.REDIS_PREFIX, *map(str, parts)))


def encoded(*parts: object) -> bytes:
    """The full name of a key, as the line of a request sends it."""
    return key(*parts).encode()
