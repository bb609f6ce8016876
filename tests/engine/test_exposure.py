"""Lists that were shown: positions' bias by planted clicks, what is passed over, nothing of the days after a cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from django.test import SimpleTestCase

from recommender.engine import exposure, sampling, tables, train
from recommender.engine.config import Config
from recommender.engine.exposure import Passed
from recommender.engine.interactions import Interactions, Items, Kinds, ShopData, Shoppers, Shown, nothing_shown
from tests.engine.small import QUICK, busy_shop, newest

KINDS = Kinds(("impression", "click", "purchase"), np.array([0, 1, 5], np.float32), np.array([False, True, True]))
CLICK, PURCHASE = 1, 2
LEARNS = Config(impressions=1.0)


def _events(shopper: np.ndarray, item: np.ndarray, at: np.ndarray, kind: int = CLICK) -> Interactions:
    order = np.lexsort((at, shopper))
    unknown = np.full(len(order), np.nan, np.float32)
    return Interactions(
        shopper[order].astype(np.int32),
        item[order].astype(np.int32),
        at[order].astype(float),
        np.full(len(order), kind, np.int8),
        np.ones(len(order), np.float32),
        unknown,
        unknown,
    )


def _shown(shopper: np.ndarray, item: np.ndarray, at: np.ndarray, position: np.ndarray) -> Shown:
    return Shown(
        shopper.astype(np.int32),
        item.astype(np.int32),
        at.astype(float),
        np.zeros(len(item), np.int16),
        position.astype(np.int16),
        ("home",),
    )


def _shop(shown: Shown, events: Interactions, n_shoppers: int, n_items: int) -> ShopData:
    items = Items(n_items, np.ones(n_items, np.float32), np.ones(n_items, bool))
    return ShopData(events, items, Shoppers(n_shoppers), KINDS, shown)


def _biased_log(
    *, bias: np.ndarray, n_shoppers: int = 1500, lists: int = 12, seed: int = 0
) -> tuple[ShopData, np.ndarray]:
    """A shop whose ranker puts what it believes in first; belief follows the true taste, and wanders.

    Item 0 is liked twice as much as item 1, but the shop pushes item 1 to the top and item 0 to the end.
    → the shop, and the true taste float64 [shoppers, items].
    """
    rng = np.random.default_rng(seed)
    n = len(bias)
    taste = np.clip(np.exp(rng.normal(-2.5, 1.2, (n_shoppers, n))), 0.005, 0.6)
    taste[:, 0], taste[:, 1] = 0.3, 0.15
    shopper, item, at, position = [], [], [], []
    for day in range(lists):
        belief = np.log(taste) + rng.normal(0, 1.0, taste.shape)
        belief[:, 0] -= 2.5
        belief[:, 1] += 1.5
        order = np.argsort(-belief, axis=1)
        shopper.append(np.repeat(np.arange(n_shoppers), n))
        item.append(order.ravel())
        at.append(np.full(n_shoppers * n, 100.0 + 2 * day))
        position.append(np.tile(np.arange(1, n + 1), n_shoppers))
    shown = _shown(*(np.concatenate(column) for column in (shopper, item, at, position)))
    wanted = rng.random(len(shown)) < taste[shown.shopper, shown.item]
    clicked = wanted & (rng.random(len(shown)) < bias[shown.position - 1])
    events = _events(shown.shopper[clicked], shown.item[clicked], shown.at[clicked] + 0.01)
    return _shop(shown, events, n_shoppers, n), taste


class PropensityTests(SimpleTestCase):
    BIAS = np.array([1.0, 0.6, 0.42, 0.33, 0.25, 0.2])

    def test_planted_bias_is_found_where_rates_mislead(self) -> None:
        data, _ = _biased_log(bias=self.BIAS)
        seen = exposure.learned(data, 1000.0, LEARNS)
        found = seen.propensity.curves[0, 1:7]
        rate = np.bincount(data.shown.position, seen.clicked, 7)[1:] / np.bincount(data.shown.position, minlength=7)[1:]
        naive = rate / rate[0]
        error, misled = (np.abs(np.log(curve / self.BIAS)).mean() for curve in (found, naive))
        self.assertLess(np.abs(found - self.BIAS).max(), 0.08, found)
        self.assertLess(error, 0.6 * misled, (found, naive))

    def test_planted_preference_is_recovered(self) -> None:
        data, _ = _biased_log(bias=self.BIAS)
        seen = exposure.learned(data, 1000.0, LEARNS)
        liked, pushed = (data.shown.item == item for item in (0, 1))
        self.assertGreater(seen.clicked[pushed].mean(), 1.3 * seen.clicked[liked].mean(), "the naive rate must mislead")
        looked = seen.propensity.of(data.shown)
        ratio = (seen.clicked[liked].sum() / looked[liked].sum()) / (seen.clicked[pushed].sum() / looked[pushed].sum())
        self.assertTrue(1.5 < ratio < 3.0, f"expected about twice as liked, received {ratio}")

    def test_without_clicks_the_prior_stays(self) -> None:
        empty = exposure.learned(_shop(nothing_shown(), _events(*(np.zeros(0, int),) * 3), 3, 3), 10.0, LEARNS)
        self.assertEqual(empty.propensity.curves.shape, (1, exposure.DEEPEST + 1))
        self.assertEqual(empty.report({"negatives": 0})["propensity"], {})
        shown = _shown(np.zeros(4), np.arange(4), np.zeros(4), np.arange(1, 5))
        unclicked = exposure.learned(_shop(shown, _events(*(np.zeros(0, int),) * 3), 3, 4), 10.0, LEARNS)
        self.assertEqual(unclicked.report({})["propensity"]["home"]["looked_at"], [1.0, 0.707, 0.577, 0.5])

    def test_later_clicks_do_not_move_it(self) -> None:
        data, _ = _biased_log(bias=self.BIAS, n_shoppers=300)
        early = exposure.learned(data, 110.0, LEARNS).propensity.curves
        shuffled = np.random.default_rng(1).permutation(7)[data.shown.position]
        later = np.where(data.shown.at > 109.0, shuffled, data.shown.position).astype(np.int16)
        changed = replace(data, shown=replace(data.shown, position=later))
        np.testing.assert_array_equal(exposure.learned(changed, 110.0, LEARNS).propensity.curves, early)


class PassedOverTests(SimpleTestCase):
    def _seen(self, kind: int) -> exposure.Exposure:
        """Shopper 0 is shown items 0, 1, 2 at positions 1, 4, 9; item 1 is taken up. Later lists are too young."""
        shown = _shown(
            np.array([0, 0, 0, 0]), np.array([0, 1, 2, 3]), np.array([5.0, 5, 5, 9.5]), np.array([1, 4, 9, 1])
        )
        events = _events(np.array([0]), np.array([1]), np.array([5.2]), kind)
        if kind == CLICK:  # so that a click is the weaker of two kinds in use
            events = Interactions(
                *(
                    np.concatenate(pair)
                    for pair in zip(
                        (getattr(events, name) for name in events.__dataclass_fields__),
                        (
                            getattr(_events(np.array([1]), np.array([4]), np.array([6.0]), PURCHASE), name)
                            for name in events.__dataclass_fields__
                        ),
                        strict=True,
                    )
                )
            )
        return exposure.learned(_shop(shown, events, 2, 5), 4.0, LEARNS)

    def test_weight_is_how_likely_it_was_looked_at(self) -> None:
        passed = self._seen(PURCHASE).passed(4.0, 10.0)
        self.assertEqual(passed.key.tolist(), [0, 2])
        np.testing.assert_allclose(passed.looked, [1.0, 1 / 3], atol=1e-6)
        np.testing.assert_allclose(passed.of(np.array([2, 7, 0])), [1 / 3, 0, 1], atol=1e-6)

    def test_lists_of_other_days_and_young_lists_say_nothing(self) -> None:
        self.assertEqual(len(self._seen(PURCHASE).passed(0.0, 5.0).key), 0)
        self.assertNotIn(3, self._seen(PURCHASE).passed(4.0, 10.0).key)

    def test_clicks_are_weak_at_the_top_and_purchases_strong(self) -> None:
        key, sure = self._seen(CLICK).certainty(4.0, 10.0)
        self.assertEqual(key.tolist(), [1])
        np.testing.assert_allclose(sure, [0.2 / 0.5], atol=1e-6)  # weight 1 of 5, position 4 looked at half the time
        self.assertEqual(len(self._seen(PURCHASE).certainty(4.0, 10.0)[0]), 0)

    def test_an_event_answers_the_latest_showing_within_its_time(self) -> None:
        shown = _shown(np.zeros(3), np.array([7, 7, 7]), np.array([1.0, 2.0, 6.0]), np.array([1, 2, 3]))
        events = _events(np.zeros(4, int), np.array([7, 7, 7, 6]), np.array([2.0, 2.5, 5.0, 2.5]))
        rows = exposure.answers(shown, events, KINDS, 9, 1.0)
        self.assertEqual(dict(zip(events.at.tolist(), rows.tolist(), strict=True)).get(5.0), -1)
        self.assertEqual(sorted(rows.tolist()), [-1, -1, 1, 1])


class TrainingTests(SimpleTestCase):
    def test_passed_over_pairs_enter_the_lists_with_their_weight(self) -> None:
        data, quick = busy_shop(), replace(QUICK, impressions=1.0)
        cut, end = newest(data) - 14, newest(data) + 1
        known = data.before(cut)
        fitted = tables.fit(known, cut, QUICK)
        later = sampling.truth(
            data.interactions.between(cut, end),
            data.kinds.targets,
            fitted.weigh,
            data.items.n,
        )
        shopper = later.shoppers[:20]
        wanted = np.setdiff1d(shopper * data.items.n + 3, later.key)
        passed = Passed(wanted, np.full(len(wanted), 0.5, np.float32))
        rng = np.random.default_rng
        plain = sampling.training_lists(known, known.interactions, later, fitted, quick, rng(0))
        heavy = sampling.training_lists(known, known.interactions, later, fitted, quick, rng(0), passed)
        self.assertEqual(float(plain.weight.max()), 1.0)
        self.assertGreater(int((heavy.weight == 1.5).sum()), 0)
        self.assertTrue((heavy.gain[heavy.weight > 1] == 0).all())
        again = sampling.training_lists(known, known.interactions, later, fitted, quick, rng(0), Passed())
        np.testing.assert_array_equal(np.asarray(plain.x), np.asarray(again.x))

    def test_lists_after_the_cut_do_not_touch_what_is_measured(self) -> None:
        data = busy_shop()
        now = newest(data)
        rng = np.random.default_rng(0)
        rows = 6000
        base = _shown(
            rng.integers(data.shoppers.n, size=rows),
            rng.integers(data.items.n, size=rows),
            now - rng.random(rows) * 60,
            rng.integers(1, 11, rows),
        )
        cut = float(np.nextafter(now, np.inf)) - float(QUICK.horizon_days or 0)
        after = base.at >= cut
        other = replace(base, item=np.where(after, (base.item + 17) % data.items.n, base.item).astype(np.int32))
        first, second = (
            train.run_training(replace(data, shown=shown), replace(QUICK, steps=40, epochs=2, impressions=1.0), now=now)
            for shown in (base, other)
        )
        self.assertGreater(first.metrics["exposure"]["negatives"], 0)
        self.assertEqual(first.metrics["models"]["deep"], second.metrics["models"]["deep"])
        self.assertEqual(first.metrics["exposure"]["propensity"], second.metrics["exposure"]["propensity"])
