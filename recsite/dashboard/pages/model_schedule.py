"""When a new model is made without being asked, and how strict the gate is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Any

from django.utils import timezone

from recommender import schedule
from recommender.schedule import Plan, Signal
from recsite.dashboard import numbers, roles
from recsite.dashboard.addresses import page
from recsite.dashboard.components import Badge, Checks, Crumb, Fact, Facts, Field, Option, PageHeader
from recsite.dashboard.shop import Shop
from recsite.dashboard.tables import Cell, Column, Row, Table

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TRIGGERS = {"data": "New data", "drift": "Drift of profiles", "ctr": "Falling clicks"}
#: Fields in per cent: the plan's name, the label, what it means.
_THRESHOLDS = {
    "new_data_share": ("New data, %", "Retrain once this share of what the serving model knew has come anew."),
    "ctr_drop": ("Fall of the click rate, %", "Against the four weeks before, if it is beyond chance."),
}
_MARGINS = {
    "margin_all": ("Any product, %", "So much worse than another's NDCG@10 still counts as not worse."),
    "margin_new": ("New to the shopper, %", ""),
    "margin_slices": ("A group of shoppers, %", "No group may fall behind what serves by more."),
}


class BadForm(ValueError):
    """``errors``: by field, what was expected and what came."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


@dataclass(frozen=True)
class SchedulePage:
    """The form for who may retrain, ``facts`` for who may not; what each trigger says now for both."""

    header: PageHeader
    next_text: str
    facts: Facts | None
    enabled: Checks | None
    weekdays: Checks | None
    clock: Sequence[Field]
    thresholds: Sequence[Field]
    shadow: Checks | None
    margins: Sequence[Field]
    signals: Table


def build(
    shop: Shop,
    *,
    permissions: frozenset[str],
    typed: Mapping[str, Any] | None = None,
    errors: Mapping[str, str] | None = None,
) -> SchedulePage:
    """``typed`` and ``errors``: a form that was refused."""
    plan = schedule.read()
    told, wrong = {**as_form(plan), **(typed or {})}, errors or {}
    edits = roles.RETRAIN in permissions
    return SchedulePage(
        header=PageHeader(
            "Schedule and gate",
            "When is a new model made without being asked, and how strict is the gate?",
            crumbs=[Crumb("Models", page("models"))],
        ),
        next_text=next_words(plan),
        facts=None if edits else _facts(plan),
        enabled=Checks("enabled", "Schedule", [Option("on", "Train on schedule", bool(told["enabled"]))])
        if edits
        else None,
        weekdays=_weekdays(told, wrong) if edits else None,
        clock=_clock(told, wrong, shop) if edits else (),
        thresholds=_thresholds(told, wrong) if edits else (),
        shadow=_shadow(told) if edits else None,
        margins=_percents(_MARGINS, told, wrong) if edits else (),
        signals=_signals(schedule.signals()),
    )


def next_words(plan: Plan) -> str:
    """``Next run: Thu 26 Nov 03:00.``"""
    at = schedule.next_at(plan, timezone.now())
    if at is None:
        return "Nothing is planned by the clock."
    return f"Next run: {timezone.localtime(at):%a} {numbers.moment(at)}."


def short_words(plan: Plan) -> str:
    """``daily at 06:00``, ``Mon, Thu at 03:00``, ``off``: on a button."""
    if not plan.enabled:
        return "off"
    days = "daily" if len(plan.weekdays) == 7 else ", ".join(DAYS[day - 1] for day in plan.weekdays)
    return f"{days} at {plan.at:%H:%M}"


def as_form(plan: Plan) -> dict[str, Any]:
    """The plan as its form shows it."""
    return {
        "enabled": "on" if plan.enabled else "",
        "shadow": "on" if plan.shadow else "",
        "weekdays": [str(day) for day in plan.weekdays],
        "at": f"{plan.at:%H:%M}",
        "cool_down": f"{plan.cool_down.total_seconds() / 3600:g}",
        "drift": "" if plan.drift is None else f"{plan.drift:g}",
        **{name: _percent(getattr(plan, name)) for name in (*_THRESHOLDS, *_MARGINS)},
    }


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.6g}"


def read_form(typed: Mapping[str, Any], plan: Plan, shop: Shop) -> Plan:
    """``plan`` with what the form says, by the shop's clock. Raises :class:`BadForm`."""
    errors: dict[str, str] = {}
    values: dict[str, Any] = {"zone": str(shop.zone)}
    values |= {name: bool(typed.get(name)) for name in ("enabled", "shadow")}
    days = [day for day in typed.get("weekdays", ()) if day in "1234567" and len(day) == 1]
    values["weekdays"] = tuple(int(day) for day in days)
    try:
        values["at"] = time.fromisoformat(str(typed.get("at", "")))
    except ValueError:
        errors["at"] = f"expected a time such as 03:00; received “{str(typed.get('at', ''))[:20]}”"
    for name in (*_THRESHOLDS, "drift", *_MARGINS, "cool_down"):
        text = str(typed.get(name, "")).strip().replace(",", ".")
        number = _finite(text)
        if number is None and (text or name in _MARGINS or name == "cool_down"):
            errors[name] = f"expected a number; received “{text[:20]}”"
        elif name == "cool_down":
            values[name] = timedelta(hours=min(number or 0.0, 24 * 365))
        else:
            values[name] = number if number is None or name == "drift" else number / 100
    if errors:
        raise BadForm(errors)
    return replace(plan, **values)


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _weekdays(told: Mapping[str, Any], wrong: Mapping[str, str]) -> Checks:
    options = [Option(str(day), words, str(day) in told["weekdays"]) for day, words in enumerate(DAYS, 1)]
    return Checks("weekdays", "On", options, error=wrong.get("weekdays", ""))


def _clock(told: Mapping[str, Any], wrong: Mapping[str, str], shop: Shop) -> list[Field]:
    return [
        Field(
            "at",
            "At",
            str(told["at"]),
            "time",
            hint=f"By the clock of {shop.zone}.",
            error=wrong.get("at", ""),
            required=True,
        ),
        Field(
            "cool_down",
            "Hours between two runs that nobody asked for",
            str(told["cool_down"]),
            error=wrong.get("cool_down", ""),
            required=True,
            limits={"inputmode": "decimal"},
        ),
    ]


def _shadow(told: Mapping[str, Any]) -> Checks:
    return Checks(
        "shadow",
        "A run that nobody asked for",
        [Option("on", "Score it in shadow", bool(told["shadow"]))],
        hint="It is compared with what serves on real requests, and shown once a person promotes it.",
    )


def _thresholds(told: Mapping[str, Any], wrong: Mapping[str, str]) -> list[Field]:
    drift = "Population stability index of what shoppers are like; .1 is some drift, .25 much."
    return [
        *_percents(_THRESHOLDS, told, wrong),
        Field(
            "drift",
            "Drift",
            str(told["drift"]),
            hint=f"{drift} Empty: off.",
            error=wrong.get("drift", ""),
            limits={"inputmode": "decimal"},
        ),
    ]


def _percents(named: Mapping[str, tuple[str, str]], told: Mapping[str, Any], wrong: Mapping[str, str]) -> list[Field]:
    off = " Empty: off." if named is _THRESHOLDS else ""
    return [
        Field(
            name,
            label,
            str(told[name]),
            hint=f"{hint}{off}".strip(),
            error=wrong.get(name, ""),
            limits={"inputmode": "decimal"},
        )
        for name, (label, hint) in named.items()
    ]


def _facts(plan: Plan) -> Facts:
    shares = {**_THRESHOLDS, **_MARGINS}
    facts = [Fact("By the clock", short_words(plan))]
    for name, (label, hint) in shares.items():
        value = getattr(plan, name)
        facts.append(Fact(label.removesuffix(", %"), "off" if value is None else numbers.percent(value, 1), hint))
    unasked = "scored in shadow" if plan.shadow else "serves if it passes the gate"
    facts.append(Fact("Drift", "off" if plan.drift is None else f"{plan.drift:g}"))
    return Facts([*facts, Fact("A run that nobody asked for", unasked)])


def _signals(signals: Sequence[Signal]) -> Table:
    columns = [
        Column("Trigger"),
        Column("Says now", wide=True),
        Column("Value", numeric=True),
        Column("Threshold", numeric=True, wide=True),
        Column("State", numeric=True),
    ]
    return Table("What the triggers say now", columns, [_signal(signal) for signal in signals])


def _signal(signal: Signal) -> Row:
    def shown(value: float | None, none: str) -> Cell:
        if value is None:
            return Cell(none, tone="muted")
        return Cell(f"{value:.2f}" if signal.name == "drift" else numbers.percent(value, 1))

    state = Badge("due", "warn") if signal.due else Badge("off") if signal.threshold is None else Badge("quiet", "good")
    name = _TRIGGERS.get(signal.name, signal.name.capitalize())
    return Row(
        [Cell(name), Cell(signal.words), shown(signal.value, "not known"), shown(signal.threshold, "off"), Cell(state)]
    )
