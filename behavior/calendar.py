"""The shop's calendar: in which zone a day begins and an hour is counted."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.module_loading import import_string


def shop_zone() -> ZoneInfo:
    """The time zone in force just now, from whoever ``settings.SHOP_ZONE`` names: one query."""
    read: Callable[[], ZoneInfo] = import_string(settings.SHOP_ZONE)
    return read()
