"""When to train without being asked: by the clock, and when the shop is no longer what the serving model knew.

**Clock.** A slot is a moment: a weekday and a time by the shop's clock. ``start_due`` looks once a minute for the last
slot that has passed; the run's row is unique by (trigger, slot), so a doubled beat starts nothing twice, and a
machine that was off for a week trains once when it is back, not once for every slot it missed. A time that the clock
skips in spring is the same moment after the jump; one that comes twice in autumn counts the first time.

**Signals.** Three thresholds, each off while empty: new data since the serving run's window, drift of the shoppers'
profiles (``drift``), and a fall of the click rate. ``start_signalled`` starts at most one run within the cool-down,
counted from the last run that nobody asked for, whatever came of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from recommender import drift, publish, services
from recommender.engine import architectures
from recommender.models import FeedbackDay, Switch, TrainingPlan, TrainingRun

#: Triggers of runs that nobody asked for.
UNASKED = ("schedule", "data", "drift", "ctr")
#: The click rate of these last days is held against that of the weeks before them.
CTR_DAYS, CTR_DAYS_BEFORE = 7, 28
#: Fewer products shown than this on either side say nothing about a click rate.
CTR_LEAST_SHOWN = 1_000
#: One-sided 1 % point of the normal distribution.
Z_99 = 2.326
_PLAN_LOCK = 0x52535033


class BadPlan(ValueError):
    """A value of the plan is not one; ``field`` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field, self.message = field, message


@dataclass(frozen=True)
class Plan:
    """What ``TrainingPlan`` holds. Shares and margins are fractions, ``drift`` is a population stability index; None
    turns a signal off. ``weekdays``: 1 Monday … 7 Sunday, at ``at`` by the clock of ``zone``."""

    enabled: bool = False
    weekdays: tuple[int, ...] = ()
    at: time = time(3)
    zone: str = "UTC"
    new_data_share: float | None = None
    ctr_drop: float | None = None
    drift: float | None = None
    cool_down: timedelta = timedelta(days=1)
    shadow: bool = False
    margin_all: float = 0.01
    margin_new: float = 0.05
    margin_slices: float = 0.10


@dataclass(frozen=True)
class Signal:
    """What one trigger says now. ``value`` None: it cannot be said yet, and ``words`` say why; ``threshold`` None:
    it is off."""

    name: str
    words: str
    value: float | None
    threshold: float | None

    @property
    def due(self) -> bool:
        return self.value is not None and self.threshold is not None and self.value >= self.threshold


# --- The plan ---


def read() -> Plan:
    """The plan as it is now."""
    return _plan_of(TrainingPlan.objects.first() or TrainingPlan())


def save(*, plan: Plan, now: datetime | None = None) -> Plan:
    """Store the plan; slots before this moment are nobody's if its times changed. Raises :class:`BadPlan`."""
    _check(plan)
    plan = replace(plan, weekdays=tuple(sorted(set(plan.weekdays))))
    with transaction.atomic():
        row, _ = TrainingPlan.objects.select_for_update().get_or_create(pk=1)
        if row.since is None or _times(plan) != _times(_plan_of(row)):
            row.since = now or timezone.now()
        for name, value in plan.__dict__.items():
            setattr(row, name, list(value) if name == "weekdays" else value)
        row.save()
    return plan


def _plan_of(row: TrainingPlan) -> Plan:
    values = {name: getattr(row, name) for name in Plan.__dataclass_fields__}
    return Plan(**{**values, "weekdays": tuple(row.weekdays), "zone": row.zone or settings.SHOP_TIME_ZONE})


def _times(plan: Plan) -> tuple[object, ...]:
    return plan.enabled, plan.weekdays, plan.at, plan.zone


def _check(plan: Plan) -> None:
    if wrong := [day for day in plan.weekdays if day not in range(1, 8)]:
        raise BadPlan("weekdays", f"expected days 1 (Monday) to 7 (Sunday), received {wrong[0]}")
    if plan.enabled and not plan.weekdays:
        raise BadPlan("weekdays", "expected at least one day, received none")
    try:
        ZoneInfo(plan.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadPlan("zone", f"expected a time zone such as Europe/Zurich, received {plan.zone!r}") from error
    for name in ("new_data_share", "ctr_drop", "drift"):
        value = getattr(plan, name)
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadPlan(name, f"expected a number above 0 or nothing, received {value}")
    for name in ("margin_all", "margin_new", "margin_slices"):
        value = getattr(plan, name)
        if not 0 <= value < 1:
            raise BadPlan(name, f"expected a share from 0 to below 1, received {value}")
    if plan.cool_down < timedelta(hours=1):
        raise BadPlan("cool_down", f"expected at least an hour, received {plan.cool_down}")


# --- The clock ---


def next_at(plan: Plan, now: datetime) -> datetime | None:
    """The first slot after ``now``, in UTC; None where nothing is planned."""
    today = now.astimezone(ZoneInfo(plan.zone)).date()
    return next((slot for day in range(9) if (slot := _slot(plan, today + timedelta(days=day))) and slot > now), None)


def last_slot(plan: Plan, now: datetime) -> datetime | None:
    """The last slot up to ``now``, in UTC; None where nothing is planned."""
    today = now.astimezone(ZoneInfo(plan.zone)).date()
    return next((slot for day in range(9) if (slot := _slot(plan, today - timedelta(days=day))) and slot <= now), None)


def _slot(plan: Plan, day: date) -> datetime | None:
    if not plan.enabled or day.isoweekday() not in plan.weekdays:
        return None
    return datetime.combine(day, plan.at, tzinfo=ZoneInfo(plan.zone)).astimezone(UTC)


def start_due(*, zone: str | None = None, now: datetime | None = None) -> TrainingRun | None:
    """The run of the last slot that has passed, if it has none yet; None where nothing is due or a run is active
    (the next look starts it then). ``zone``: the shop's clock, where it is not the plan's any more."""
    plan, now = read(), now or timezone.now()
    if zone and zone != plan.zone:
        plan = save(plan=replace(plan, zone=zone), now=now)
    slot = last_slot(plan, now)
    since = TrainingPlan.objects.values_list("since", flat=True).first()
    if slot is None or since is None or slot < since:
        return None
    name = slot.isoformat()
    if TrainingRun.objects.filter(trigger="schedule", slot=name).exists():
        return None
    return _start(plan, "schedule", name)


def _start(plan: Plan, trigger: str, slot: str) -> TrainingRun | None:
    """A run with the settings of the one that serves."""
    now = publish.serving()
    run = now.generation.run if now else None
    known = run is not None and run.architecture in architectures.NAMES
    try:
        return services.request_training(
            trigger=trigger,
            slot=slot,
            architecture=run.architecture if run and known else "deep",
            config=services.still_known(run.chosen) if run and known else None,
            publish=TrainingRun.Publish.SHADOW if plan.shadow and run else TrainingRun.Publish.SERVE,
        )
    except services.AlreadyActive:
        return None


# --- Signals ---


def start_signalled(*, now: datetime | None = None) -> TrainingRun | None:
    """A run for the first signal that is due; None where none is, or one was started within the cool-down."""
    plan, now = read(), now or timezone.now()
    if plan.new_data_share is None and plan.drift is None and plan.ctr_drop is None:
        return None
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_PLAN_LOCK])
        newest = TrainingRun.objects.filter(trigger__in=UNASKED).order_by("-created_at").first()
        if newest and newest.created_at > now - plan.cool_down:
            return None
        due = next((signal for signal in signals(now=now) if signal.due), None)
        if due is None:
            return None
        latest = TrainingRun.objects.order_by("-pk").values_list("pk", flat=True).first()
        return _start(plan, due.name, f"after run {latest}")


def signals(*, now: datetime | None = None) -> list[Signal]:
    """What the three triggers say about the model that serves."""
    plan, now = read(), now or timezone.now()
    switch = publish.serving()
    if switch is None:
        nothing = "No model serves yet."
        return [
            Signal("data", nothing, None, plan.new_data_share),
            Signal("drift", nothing, None, plan.drift),
            Signal("ctr", nothing, None, plan.ctr_drop),
        ]
    run = switch.generation.run
    return [_new_data(run, plan), _drift(run, plan), _clicks(switch, plan, now)]


def _new_data(run: TrainingRun, plan: Plan) -> Signal:
    known, last = run.data_window.get("events"), parse_datetime(str(run.data_window.get("last") or ""))
    if not known or last is None:
        return Signal("data", f"Run {run.pk} does not say what data it knew.", None, plan.new_data_share)
    with connection.cursor() as cursor:
        # By the event's own time, for which the log is partitioned.
        cursor.execute(
            """SELECT count(*) FROM behavior_event
               WHERE at > %s AND product_id IS NOT NULL AND (%s OR source <> 'simulator')
                 AND consent IS DISTINCT FROM false""",
            [last, bool(run.config.get("simulated"))],
        )
        new = cursor.fetchone()[0]
    share = new / known
    words = f"{new:,} events since run {run.pk}, {share:.1%} of the {known:,} it knew."
    return Signal("data", words, share, plan.new_data_share)


def _drift(run: TrainingRun, plan: Plan) -> Signal:
    stored = run.data_window.get("profiles")
    if not stored:
        words = f"Run {run.pk} did not keep what its shoppers were like; the next run will."
        return Signal("drift", words, None, plan.drift)
    shift = drift.compare(drift.Reference.from_dict(stored))
    return Signal("drift", shift.words, shift.value, plan.drift)


def _clicks(switch: Switch, plan: Plan, now: datetime) -> Signal:
    """The last full days on which this run served, against the four weeks before them.

    A fall counts only where it is also beyond chance: z of the difference of two proportions with the pooled share
    (Fleiss, Statistical Methods for Rates and Proportions, 1981, 2.3), one-sided at 1 %.
    """
    zone = ZoneInfo(plan.zone)
    today = now.astimezone(zone).date()
    first = max(today - timedelta(days=CTR_DAYS), switch.at.astimezone(zone).date() + timedelta(days=1))
    since = f"{first:%-d %B}"
    if first >= today:
        words = f"Run {switch.generation.run_id} has not served a full day yet: nothing to compare."
        return Signal("ctr", words, None, plan.ctr_drop)
    before = first - timedelta(days=CTR_DAYS_BEFORE)
    (shown, clicked), (shown_before, clicked_before) = _shown(first, today), _shown(before, first)
    if min(shown, shown_before) < CTR_LEAST_SHOWN or not clicked_before:
        words = f"{shown:,} products shown since {since}, {shown_before:,} in the weeks before: too few to compare."
        return Signal("ctr", words, None, plan.ctr_drop)
    rate, rate_before = clicked / shown, clicked_before / shown_before
    z = two_proportions(clicked, shown, clicked_before, shown_before)
    fall = 1 - rate / rate_before
    words = f"Click rate {rate:.2%} since {since}, {rate_before:.2%} in the {CTR_DAYS_BEFORE} days before (z {z:+.1f})."
    if fall > 0 and z > -Z_99:
        return Signal("ctr", f"{words} Within chance.", 0.0, plan.ctr_drop)
    return Signal("ctr", words, max(fall, 0.0), plan.ctr_drop)


def two_proportions(hits: int, of: int, hits_before: int, of_before: int) -> float:
    """z of ``hits/of`` minus ``hits_before/of_before`` by the pooled share; 0 where both are 0 or 1."""
    pooled = (hits + hits_before) / (of + of_before)
    error = math.sqrt(pooled * (1 - pooled) * (1 / of + 1 / of_before))
    return (hits / of - hits_before / of_before) / error if error else 0.0


def _shown(first: date, end: date) -> tuple[int, int]:
    """Products shown and clicked on the days from ``first`` to before ``end``; simulated only where there are no
    others."""
    rows = FeedbackDay.objects.filter(dimension="all", day__gte=first, day__lt=end)
    real = rows.exclude(source="simulator").aggregate(shown=Sum("shown"), clicked=Sum("clicked"))
    found = real if real["shown"] else rows.aggregate(shown=Sum("shown"), clicked=Sum("clicked"))
    return found["shown"] or 0, found["clicked"] or 0
