"""When to train unasked: slots across the change of clocks, one run a slot, and the three signals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import SimpleTestCase, TestCase

from behavior.models import ShopperProfile
from recommender import drift, publish, schedule, services
from recommender.models import FeedbackDay, Generation, Switch, TrainingRun
from recommender.schedule import BadPlan, Plan
from tests.goods import NEWEST, make_event, make_products, make_shoppers

ZURICH = "Europe/Zurich"
NIGHTLY = Plan(enabled=True, weekdays=(1, 2, 3, 4, 5, 6, 7), at=time(2, 30), zone=ZURICH)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)  # a Tuesday


def serve(run: TrainingRun, *, at: datetime | None = None) -> Switch:
    generation = Generation.objects.create(run=run, status=Generation.Status.READY, as_of=NEWEST)
    switch = Switch.objects.create(generation=generation, reason="published", fence=run.pk)
    if at:
        Switch.objects.filter(pk=switch.pk).update(at=at)
    return switch


def a_run(**fields: Any) -> TrainingRun:
    return TrainingRun.objects.create(**{"status": TrainingRun.Status.SUCCEEDED, **fields})


class Slots(SimpleTestCase):
    def at(self, *moment: int, zone: str = ZURICH) -> datetime:
        return datetime(*moment, tzinfo=ZoneInfo(zone))  # type: ignore[misc,arg-type]

    def test_the_next_is_by_the_shops_clock(self) -> None:
        plan = replace(NIGHTLY, weekdays=(1, 4))
        self.assertEqual(schedule.next_at(plan, NOON), self.at(2026, 11, 26, 2, 30).astimezone(UTC))
        self.assertEqual(schedule.last_slot(plan, NOON), self.at(2026, 11, 23, 2, 30).astimezone(UTC))

    def test_a_slot_of_this_very_moment_has_passed(self) -> None:
        slot = self.at(2026, 11, 24, 2, 30)
        self.assertEqual(schedule.last_slot(NIGHTLY, slot), slot)
        self.assertEqual(schedule.next_at(NIGHTLY, slot), self.at(2026, 11, 25, 2, 30))

    def test_a_time_that_spring_skips_comes_after_the_jump(self) -> None:
        found = schedule.next_at(NIGHTLY, self.at(2026, 3, 29, 0))
        self.assertEqual(found, datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
        assert found is not None
        self.assertEqual(found.astimezone(ZoneInfo(ZURICH)).time(), time(3, 30))

    def test_a_time_that_autumn_repeats_comes_once(self) -> None:
        first = schedule.next_at(NIGHTLY, self.at(2026, 10, 25, 0))
        assert first is not None
        self.assertEqual(first, datetime(2026, 10, 25, 0, 30, tzinfo=UTC))
        self.assertEqual(schedule.next_at(NIGHTLY, first), datetime(2026, 10, 26, 1, 30, tzinfo=UTC))

    def test_a_year_of_nights_has_as_many_slots_as_days(self) -> None:
        moment, slots = self.at(2026, 1, 1, 0).astimezone(UTC), set()
        for _ in range(365):
            moment = schedule.next_at(NIGHTLY, moment) or moment
            slots.add(moment)
        days = {slot.astimezone(ZoneInfo(ZURICH)).date() for slot in slots}
        self.assertEqual((len(slots), len(days)), (365, 365))

    def test_nothing_is_planned(self) -> None:
        for plan in (replace(NIGHTLY, enabled=False), replace(NIGHTLY, weekdays=())):
            self.assertIsNone(schedule.next_at(plan, NOON))
            self.assertIsNone(schedule.last_slot(plan, NOON))


class Saving(TestCase):
    def test_what_is_saved_is_read(self) -> None:
        plan = replace(NIGHTLY, drift=0.25, cool_down=timedelta(hours=6), margin_new=0.08)
        schedule.save(plan=plan)
        self.assertEqual(schedule.read(), plan)

    def test_refusals_name_the_field(self) -> None:
        wrong: dict[str, Any] = {
            "weekdays": (0,), "zone": "Europe/Nowhere", "drift": -1.0, "ctr_drop": float("nan"),
            "new_data_share": 0.0, "margin_slices": 1.0, "cool_down": timedelta(minutes=1),
        }  # fmt: skip
        for name, value in wrong.items():
            with self.subTest(name), self.assertRaisesRegex(BadPlan, f"^{name}: expected"):
                schedule.save(plan=replace(NIGHTLY, **{name: value}))
        with self.assertRaisesRegex(BadPlan, "expected at least one day"):
            schedule.save(plan=replace(NIGHTLY, weekdays=()))


class Clock(TestCase):
    def plan(self, now: datetime = NOON - timedelta(days=30), **changes: Any) -> None:
        schedule.save(plan=replace(NIGHTLY, **changes), now=now)

    def end(self, run: TrainingRun | None) -> None:
        assert run is not None
        TrainingRun.objects.filter(pk=run.pk).update(status=TrainingRun.Status.SUCCEEDED)

    def test_a_doubled_beat_starts_one_run(self) -> None:
        self.plan()
        first = schedule.start_due(now=NOON)
        self.end(first)
        self.assertIsNone(schedule.start_due(now=NOON + timedelta(minutes=1)))
        run = TrainingRun.objects.get()
        self.assertEqual((run.trigger, run.slot), ("schedule", "2026-11-24T01:30:00+00:00"))

    def test_a_machine_that_was_off_for_days_trains_once(self) -> None:
        self.plan()
        self.end(schedule.start_due(now=NOON - timedelta(days=6)))
        self.end(schedule.start_due(now=NOON))
        self.assertIsNone(schedule.start_due(now=NOON + timedelta(hours=1)))
        self.assertEqual(TrainingRun.objects.count(), 2)

    def test_a_schedule_set_at_noon_does_not_start_last_nights_run(self) -> None:
        self.plan(now=NOON)
        self.assertIsNone(schedule.start_due(now=NOON + timedelta(minutes=1)))
        self.assertIsNotNone(schedule.start_due(now=NOON + timedelta(days=1)))

    def test_a_slot_waits_for_a_run_under_way(self) -> None:
        self.plan()
        busy = services.request_training(enqueue=False)
        self.assertIsNone(schedule.start_due(now=NOON))
        self.end(busy)
        self.assertIsNotNone(schedule.start_due(now=NOON + timedelta(minutes=1)))

    def test_another_zone_of_the_shop_moves_the_slots_and_starts_nothing(self) -> None:
        self.plan()
        self.assertIsNone(schedule.start_due(now=NOON, zone="Asia/Tokyo"))
        self.assertEqual(schedule.read().zone, "Asia/Tokyo")

    def test_it_trains_like_what_serves_and_in_shadow_if_so_planned(self) -> None:
        serve(a_run(architecture="wide_deep", chosen={"steps": 300, "gone": 1}))
        self.plan(shadow=True)
        run = schedule.start_due(now=NOON)
        assert run is not None
        self.assertEqual((run.architecture, run.chosen, run.publish), ("wide_deep", {"steps": 300}, "shadow"))


class Signals(TestCase):
    def setUp(self) -> None:
        self.products, self.shoppers = make_products(4), make_shoppers(260)

    def known(self, **window: Any) -> TrainingRun:
        run = a_run(data_window={"events": 100, "last": NEWEST.isoformat(), **window})
        serve(run, at=NOON - timedelta(days=60))
        return run

    def signal(self, name: str) -> schedule.Signal:
        return next(signal for signal in schedule.signals(now=NOON) if signal.name == name)

    def test_without_a_model_nothing_is_due(self) -> None:
        schedule.save(plan=Plan(new_data_share=0.1, drift=0.1, ctr_drop=0.1))
        self.assertEqual([signal.due for signal in schedule.signals()], [False] * 3)
        self.assertIsNone(schedule.start_signalled())

    def test_new_data_by_share(self) -> None:
        self.known()
        for number in range(12):
            make_event(self.shoppers[0], self.products[0], at=NEWEST + timedelta(hours=number + 1))
        make_event(self.shoppers[0], self.products[0], at=NEWEST + timedelta(hours=1), source="simulator")
        schedule.save(plan=Plan(new_data_share=0.12))
        self.assertEqual((self.signal("data").value, self.signal("data").due), (0.12, True))
        schedule.save(plan=Plan(new_data_share=0.13))
        self.assertFalse(self.signal("data").due)

    def test_never_two_within_the_cool_down(self) -> None:
        self.known()
        make_event(self.shoppers[0], self.products[0], at=NEWEST + timedelta(hours=1))
        schedule.save(plan=Plan(new_data_share=0.001, cool_down=timedelta(hours=24)))
        run = schedule.start_signalled()
        assert run is not None
        self.assertEqual(run.trigger, "data")
        TrainingRun.objects.filter(pk=run.pk).update(status=TrainingRun.Status.REFUSED)
        self.assertIsNone(schedule.start_signalled())
        later = run.created_at + timedelta(hours=24, minutes=1)
        self.assertIsNotNone(schedule.start_signalled(now=later))

    def profiles(self, seed: int, spend: float = 50.0) -> None:
        rng = np.random.default_rng(seed)
        ShopperProfile.objects.all().delete()
        ShopperProfile.objects.bulk_create(
            ShopperProfile(
                shopper=shopper, segment=str(rng.choice(["loyal", "new"])), events=60, baskets=10, products=30,
                spend=float(rng.lognormal(0, 0.3) * spend * 10), as_of=NEWEST,
                first_at=NEWEST - timedelta(days=float(rng.uniform(90, 200))),
                last_at=NEWEST - timedelta(days=float(rng.uniform(0, 30))),
            )
            for shopper in self.shoppers
        )  # fmt: skip

    def test_drift_is_seen_where_the_shoppers_changed_and_not_by_chance(self) -> None:
        self.profiles(1)
        self.known(profiles=drift.reference().to_dict())
        schedule.save(plan=Plan(drift=0.25))
        self.profiles(2)
        self.assertLess(self.signal("drift").value or 9, 0.25)
        self.profiles(3, spend=90.0)
        signal = self.signal("drift")
        self.assertTrue(signal.due)
        self.assertIn("Spend a basket moved most", signal.words)

    def test_a_known_index(self) -> None:
        """(.3 − .5)·ln(.3/.5) + (.7 − .5)·ln(.7/.5)"""
        self.assertAlmostEqual(drift.psi(np.array([0.5, 0.5]), np.array([0.3, 0.7])), 0.16946, places=5)

    def test_too_few_profiles_say_nothing(self) -> None:
        self.profiles(1)
        self.known(profiles={**drift.reference().to_dict(), "shoppers": 10})
        schedule.save(plan=Plan(drift=0.25))
        self.assertIsNone(self.signal("drift").value)

    def days(self, clicked: int, before: int, *, source: str = "api") -> None:
        today = date(2026, 11, 24)
        for back in range(1, 36):
            hits = clicked if back <= 7 else before
            FeedbackDay.objects.create(
                day=today - timedelta(days=back), source=source, placement="home", dimension="all", shown=1000,
                clicked=hits,
            )  # fmt: skip

    def test_a_fall_of_the_click_rate_beyond_chance(self) -> None:
        self.known()
        self.days(30, 50)
        self.days(50, 50, source="simulator")
        schedule.save(plan=Plan(ctr_drop=0.2))
        signal = self.signal("ctr")
        self.assertAlmostEqual(signal.value or 0, 0.4)
        self.assertTrue(signal.due)

    def test_a_fall_within_chance_is_not_due(self) -> None:
        self.known()
        self.days(48, 50)
        schedule.save(plan=Plan(ctr_drop=0.01))
        self.assertEqual((self.signal("ctr").value, self.signal("ctr").due), (0.0, False))

    def test_days_of_the_model_before_do_not_count(self) -> None:
        self.known()
        self.days(30, 50)
        serve(a_run(), at=NOON - timedelta(hours=20))
        signal = self.signal("ctr")
        self.assertIsNone(signal.value)
        self.assertIn("has not served a full day yet", signal.words)

    def test_two_proportions(self) -> None:
        self.assertAlmostEqual(schedule.two_proportions(30, 100, 50, 100), -2.88675, places=4)


class Command(TestCase):
    def say(self, *arguments: str) -> str:
        out = StringIO()
        call_command("schedule", *arguments, stdout=out)
        return out.getvalue()

    def test_it_is_set_shown_and_switched_off(self) -> None:
        shown = self.say("--on", "mon,thu", "--at", "04:15", "--zone", ZURICH, "--drift", "0.25", "--cool-down", "12")
        self.assertIn("mon, thu at 04:15 (Europe/Zurich), next ", shown)
        plan = schedule.read()
        self.assertEqual((plan.weekdays, plan.drift, plan.cool_down), ((1, 4), 0.25, timedelta(hours=12)))
        self.assertIn("By the clock: off.", self.say("--off", "--drift", "off"))
        self.assertIsNone(schedule.read().drift)

    def test_refusals(self) -> None:
        for arguments in (("--on", "someday"), ("--at", "25:00"), ("--drift", "much"), ("--zone", "Mars/Base")):
            with self.subTest(arguments), self.assertRaisesRegex(CommandError, "expected"):
                self.say(*arguments)
        self.assertIsNone(publish.serving())
