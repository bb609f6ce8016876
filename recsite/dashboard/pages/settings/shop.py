"""What the shop is called, what it counts in, by which clock, and how long a recommendation may claim a purchase."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields

from django.conf import settings

from recommender.models import FeedbackDay
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import linked, page
from recsite.dashboard.components import Action, Checks, Fact, Facts, Field, Option, PageHeader, Tabs
from recsite.dashboard.currencies import CURRENCIES
from recsite.dashboard.pages.settings.frame import frame
from recsite.dashboard.shop import MOST_CLICK_HOURS, MOST_VIEW_HOURS, Shop, ShopRefused, ShopValues, zones


@dataclass(frozen=True)
class ShopPage:
    """The form for who may change the shop, ``facts`` for who may not; ``recounts`` says what a new window sets off."""

    header: PageHeader
    tabs: Tabs
    facts: Facts | None
    names: list[Field]
    windows: list[Field]
    second_factor: Checks | None
    recounts: str
    feedback: list[Action]


def build(
    values: ShopValues,
    shop: Shop,
    permissions: Collection[str],
    *,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
) -> ShopPage:
    """``values``: as set here, ``shop``: as in force. ``typed`` and ``errors``: a form that was refused."""
    head = frame("settings", "What is the shop called, and how does it count?", permissions)
    may_edit = roles.EDIT_SHOP in permissions
    told = {**{name: str(value) for name, value in asdict(values).items()}, **(typed or {})}
    return ShopPage(
        header=head.header,
        tabs=head.tabs,
        facts=None if may_edit else _facts(shop),
        names=_names(told, errors or {}) if may_edit else [],
        windows=_windows(told, errors or {}) if may_edit else [],
        second_factor=_second_factor(told) if may_edit else None,
        recounts=_recounts(),
        feedback=linked(Action("See feedback", page("feedback"), small=True)),
    )


def read_form(form: Mapping[str, str]) -> tuple[ShopValues, dict[str, str]]:
    """The values of a sent form, and what each field held. Raises ``ShopRefused`` for hours that are no number."""
    typed = {field.name: str(form.get(field.name, "")).strip() for field in fields(ShopValues)}
    hours = ("click_window_hours", "view_window_hours")
    if errors := {
        name: f"expected a whole number of hours; received “{typed[name]}”"
        for name in hours
        if not (typed[name].isascii() and typed[name].isdecimal() and len(typed[name]) < 7)
    }:
        raise ShopRefused(errors)
    values = ShopValues(
        shop_name=typed["shop_name"],
        currency=typed["currency"].upper(),
        time_zone=typed["time_zone"],
        click_window_hours=int(typed["click_window_hours"]),
        view_window_hours=int(typed["view_window_hours"]),
        demand_second_factor=typed["demand_second_factor"] == "True",
    )
    return values, typed


def _facts(shop: Shop) -> Facts:
    currency = f"{shop.currency} · {CURRENCIES[shop.currency]}" if shop.currency in CURRENCIES else shop.currency
    return Facts(
        [
            Fact("Name", shop.name),
            Fact("Currency", currency),
            Fact("Time zone", str(shop.zone)),
            Fact("After a click", numbers.duration(shop.click_window)),
            Fact("After a view", numbers.duration(shop.view_window) if shop.view_window else "not counted"),
            Fact("Second factor", "demanded of admins" if shop.demands_second_factor else "as each person likes"),
        ]
    )


def _names(told: Mapping[str, str], errors: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            "shop_name",
            "Name",
            told["shop_name"],
            hint=f"Empty: “{settings.SHOP_NAME}”, as SHOP_NAME says. Shown at the top of every page.",
            error=errors.get("shop_name", ""),
            limits={"maxlength": "120", "placeholder": settings.SHOP_NAME},
        ),
        Field(
            "currency",
            "Currency",
            told["currency"],
            hint=f"ISO 4217, such as EUR. Empty: {settings.SHOP_CURRENCY}, as SHOP_CURRENCY says. "
            "Amounts are shown in it; nothing is converted.",
            error=errors.get("currency", ""),
            suggestions=[Option(code, name) for code, name in CURRENCIES.items()],
            limits={"maxlength": "3", "placeholder": settings.SHOP_CURRENCY, "autocapitalize": "characters"},
        ),
        Field(
            "time_zone",
            "Time zone",
            told["time_zone"],
            hint=f"Such as Europe/Berlin. Empty: {settings.SHOP_TIME_ZONE}, as SHOP_TIME_ZONE says. "
            "A day begins at its midnight, on pages, in feedback and in profiles.",
            error=errors.get("time_zone", ""),
            suggestions=[Option(name, name) for name in zones()],
            limits={"maxlength": "64", "placeholder": settings.SHOP_TIME_ZONE},
        ),
    ]


def _windows(told: Mapping[str, str], errors: Mapping[str, str]) -> list[Field]:
    return [
        Field(
            "click_window_hours",
            "Hours after a click",
            told["click_window_hours"],
            type="number",
            hint="A purchase within them counts for the list in which the product was clicked. Usual: 24.",
            error=errors.get("click_window_hours", ""),
            required=True,
            limits={"min": "1", "max": str(MOST_CLICK_HOURS), "inputmode": "numeric"},
        ),
        Field(
            "view_window_hours",
            "Hours after a view without a click",
            told["view_window_hours"],
            type="number",
            hint="A purchase within them counts apart, as bought by view. 0 leaves such purchases out. Usual: 1.",
            error=errors.get("view_window_hours", ""),
            required=True,
            limits={"min": "0", "max": str(MOST_VIEW_HOURS), "inputmode": "numeric"},
        ),
    ]


def _second_factor(told: Mapping[str, str]) -> Checks:
    return Checks(
        "demand_second_factor",
        "Second factor",
        [Option("True", "Demand it of admins", told["demand_second_factor"] == "True")],
        hint="A code from a phone besides the password. Whoever has none yet, you too, sets it up on the next click.",
    )


def _recounts() -> str:
    days = FeedbackDay.objects.order_by().values("day").distinct().count()
    what = f"all {numbers.plural(days, 'day')} of feedback" if days else "every day of feedback, once there is one,"
    return (
        f"Saving another window or time zone counts {what} anew, within a minute in the background. Purchases are then "
        "claimed by the new rule on days long past too, so a report from before may differ. Models and lists stay as "
        "they are; profiles follow the time zone as each is next built."
    )
