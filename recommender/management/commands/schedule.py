"""``manage.py schedule``: show and set when the shop trains without being asked."""

from __future__ import annotations

from argparse import ArgumentParser
from dataclasses import replace
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from recommender import artifacts, schedule
from recommender.schedule import BadPlan, Plan

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHARES = ("new_data_share", "ctr_drop", "drift", "margin_all", "margin_new", "margin_slices")


class Command(BaseCommand):
    help = "Show when the shop trains by itself; with options, set it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--on", metavar="DAYS|daily", help="days such as mon,thu")
        parser.add_argument("--at", metavar="HH:MM", help="by the clock of the zone")
        parser.add_argument("--zone", help="the shop's time zone, such as Europe/Zurich")
        parser.add_argument("--off", action="store_true", help="train by the clock no more; the signals stay")
        parser.add_argument("--new-data-share", metavar="SHARE|off", help="retrain once this much of the known is new")
        parser.add_argument("--drift", metavar="INDEX|off", help="retrain from this population stability index on")
        parser.add_argument("--ctr-drop", metavar="SHARE|off", help="retrain once the click rate fell by this share")
        parser.add_argument("--cool-down", metavar="HOURS", help="at least this long between two runs nobody asked for")
        parser.add_argument("--shadow", choices=("on", "off"), help="on: such runs are scored, not shown")
        for name in ("all", "new", "slices"):
            parser.add_argument(f"--margin-{name}", metavar="SHARE", help=f"of the gate, for {name}")

    def handle(self, *args: Any, **options: Any) -> None:
        plan = schedule.read()
        wanted = self._changed(plan, options)
        if wanted != plan:
            try:
                plan = schedule.save(plan=wanted)
            except BadPlan as error:
                raise CommandError(str(error)) from error
        self._tell(plan)

    def _changed(self, plan: Plan, options: dict[str, Any]) -> Plan:
        changes: dict[str, Any] = {}
        if options["off"]:
            changes["enabled"] = False
        if options["on"]:
            changes |= {"enabled": True, "weekdays": _days(options["on"])}
        if options["at"]:
            changes["at"] = _time(options["at"])
        if options["zone"]:
            changes["zone"] = options["zone"]
        if options["cool_down"]:
            changes["cool_down"] = timedelta(hours=_number("cool-down", options["cool_down"]))
        if options["shadow"]:
            changes["shadow"] = options["shadow"] == "on"
        for name in SHARES:
            if (text := options[name]) is not None:
                off = text == "off" and not name.startswith("margin")
                changes[name] = None if off else _number(name.replace("_", "-"), text)
        return replace(plan, **changes)

    def _tell(self, plan: Plan) -> None:
        now = timezone.now()
        following = schedule.next_at(plan, now)
        if following is None:
            self.stdout.write("By the clock: off.")
        else:
            days = "daily" if len(plan.weekdays) == 7 else ", ".join(DAYS[day - 1] for day in plan.weekdays)
            shown = following.astimezone(ZoneInfo(plan.zone))
            self.stdout.write(f"By the clock: {days} at {plan.at:%H:%M} ({plan.zone}), next {shown:%a %Y-%m-%d %H:%M}.")
        for signal in schedule.signals(now=now):
            state = "off" if signal.threshold is None else f"from {signal.threshold:g}"
            mark = " – due" if signal.due else ""
            self.stdout.write(f"Signal {signal.name:<6} {state:<10} {signal.words}{mark}")
        hours = plan.cool_down.total_seconds() / 3600
        self.stdout.write(f"At most one such run in {hours:g} h; shadow {'on' if plan.shadow else 'off'}.")
        self.stdout.write(
            f"Gate margins: {plan.margin_all:.1%} all, {plan.margin_new:.1%} new, {plan.margin_slices:.1%} slices."
        )
        self.stdout.write(artifacts.RULE)


def _days(text: str) -> tuple[int, ...]:
    if text == "daily":
        return tuple(range(1, 8))
    names = [name.strip().lower()[:3] for name in text.split(",")]
    if wrong := [name for name in names if name not in DAYS]:
        raise CommandError(f"--on: expected days such as mon,thu or daily; received {wrong[0]!r}")
    return tuple(DAYS.index(name) + 1 for name in names)


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--at: expected a time such as 03:30, received {text!r}") from error


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CommandError(f"--{name}: expected a number, received {text!r}") from error
