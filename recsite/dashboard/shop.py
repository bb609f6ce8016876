"""The shop's own settings: what an admin set in the dashboard, else what the environment says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.db import transaction

from recsite.dashboard import audit
from recsite.dashboard.currencies import CURRENCIES
from recsite.dashboard.models import AuditEntry, ShopSettings

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CHANGED = "shop.change"  # in the audit log
MOST_CLICK_HOURS = 30 * 24
MOST_VIEW_HOURS = 7 * 24
_ROW = 1  # the only row's id: two first savers meet on it


@dataclass(frozen=True)
class Shop:
    """Name, currency (ISO 4217), time zone, the two windows of attribution, and whether admins must have a second
    factor."""

    name: str
    currency: str
    zone: ZoneInfo
    click_window: timedelta
    view_window: timedelta
    demands_second_factor: bool = False

    def day_of(self, at: datetime) -> date:
        """The shop's calendar day of a moment."""
        return at.astimezone(self.zone).date()

    def midnight(self, day: date) -> datetime:
        """The moment at which a day of the shop begins."""
        return datetime.combine(day, time.min, tzinfo=self.zone)


@dataclass(frozen=True)
class ShopValues:
    """What is set here; an empty text means: as in the environment. Windows in hours."""

    shop_name: str = ""
    currency: str = ""
    time_zone: str = ""
    click_window_hours: int = 24
    view_window_hours: int = 1
    demand_second_factor: bool = False


class ShopRefused(ValueError):
    """Values that a shop cannot have; ``errors``: what was expected and what came, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors.values()))
        self.errors = dict(errors)


def read_shop() -> Shop:
    """The settings as they are now: one query."""
    row = read_values()
    return Shop(
        name=row.shop_name or settings.SHOP_NAME,
        currency=row.currency or settings.SHOP_CURRENCY,
        zone=ZoneInfo(row.time_zone or settings.SHOP_TIME_ZONE),
        click_window=timedelta(hours=row.click_window_hours),
        view_window=timedelta(hours=row.view_window_hours),
        demands_second_factor=row.demand_second_factor,
    )


def read_values() -> ShopValues:
    """What is set here, without what the environment adds: one query."""
    return _values(ShopSettings.objects.first() or ShopSettings())


def current_zone() -> ZoneInfo:
    """The shop's time zone: for ``settings.SHOP_ZONE``, by which profiles ask for it."""
    return read_shop().zone


def change_shop(*, values: ShopValues, by: User) -> AuditEntry | None:
    """Set the shop's values, with an entry in the audit log; None where they were so already.

    Raises :class:`ShopRefused`.
    """
    if errors := _errors(values):
        raise ShopRefused(errors)
    with transaction.atomic():
        row, _ = ShopSettings.objects.select_for_update().get_or_create(pk=_ROW)
        before = _values(row)
        if before == values:
            return None
        _store(row, values)
        return audit.note(by=by, action=CHANGED, detail={"before": asdict(before), "after": asdict(values)})


def undo_change(*, entry: AuditEntry, by: User) -> bool:
    """Set what was before the change that ``entry`` tells of; False where something was changed since."""
    before, after = ShopValues(**entry.detail["before"]), ShopValues(**entry.detail["after"])
    with transaction.atomic():
        row, _ = ShopSettings.objects.select_for_update().get_or_create(pk=_ROW)
        if _values(row) != after:
            return False
        _store(row, before)
        audit.note(by=by, action=CHANGED, detail={"before": asdict(after), "after": asdict(before), "undo": True})
    return True


@cache
def zones() -> tuple[str, ...]:
    """The names of time zones, those of places first of all."""
    return tuple(sorted(name for name in available_timezones() if "/" in name or name == "UTC"))


def _values(row: ShopSettings) -> ShopValues:
    return ShopValues(
        row.shop_name,
        row.currency,
        row.time_zone,
        row.click_window_hours,
        row.view_window_hours,
        row.demand_second_factor,
    )


def _store(row: ShopSettings, values: ShopValues) -> None:
    for name, value in asdict(values).items():
        setattr(row, name, value)
    row.save()


def _errors(values: ShopValues) -> dict[str, str]:
    found = {}
    if len(values.shop_name) > 120:
        found["shop_name"] = f"expected at most 120 characters; received {len(values.shop_name)}"
    if values.currency and values.currency not in CURRENCIES:
        found["currency"] = f"expected an ISO 4217 code such as EUR; received “{values.currency}”"
    if values.time_zone and values.time_zone not in available_timezones():
        found["time_zone"] = f"expected a name such as Europe/Berlin; received “{values.time_zone}”"
    if not 1 <= values.click_window_hours <= MOST_CLICK_HOURS:
        found["click_window_hours"] = (
            f"expected 1 to {MOST_CLICK_HOURS} hours (30 days); received {values.click_window_hours}"
        )
    if not 0 <= values.view_window_hours <= MOST_VIEW_HOURS:
        found["view_window_hours"] = (
            f"expected 0 to {MOST_VIEW_HOURS} hours (a week); received {values.view_window_hours}"
        )
    return found
