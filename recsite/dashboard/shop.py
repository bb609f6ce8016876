"""The shop's own settings: what an admin set in the dashboard, else what the environment says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

from recsite.dashboard.models import ShopSettings


@dataclass(frozen=True)
class Shop:
    """Name, currency (ISO 4217), time zone, and the two windows of attribution."""

    name: str
    currency: str
    zone: ZoneInfo
    click_window: timedelta
    view_window: timedelta

    def day_of(self, at: datetime) -> date:
        """The shop's calendar day of a moment."""
        return at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which a day of the shop begins."""
        return datetime.combine(day, time.min, tzinfo=self.zone)


def read_shop() -> Shop:
    """The settings as they are now: one query."""
    row = ShopSettings.objects.first() or ShopSettings()
    return Shop(
        name=row.shop_name or settings.SHOP_NAME,
        currency=row.currency or settings.SHOP_CURRENCY,
        zone=ZoneInfo(row.time_zone or settings.SHOP_TIME_ZONE),
        click_window=timedelta(hours=row.click_window_hours),
        view_window=timedelta(hours=row.view_window_hours),
    )
