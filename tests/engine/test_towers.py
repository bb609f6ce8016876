"""The towers find new items that nobody has bought yet, follow each event, and read back as they were trained."""

from __future__ import annotations

import unittest
from dataclasses import replace
from functools import cache

import numpy as np

from recommender.engine import features, tables, tower_lists, tower_training
from recommender.engine.candidates import candidates
from recommender.engine.config import Config
from recommender.engine.interactions import Histories, ShopData, histories
from recommender.engine.profile import Profile, fold, weighing
from recommender.engine.splits import Split, split_at
from recommender.engine.tables import Tables
from recommender.engine.towers import LENGTH, Towers
from recommender.engine.train import run_training
from tests.engine.planted import events, launches, shop
from tests.engine.small import QUICK, without_time

HORIZON = 8.0
ON = Config(horizon_days=HORIZON, tower_candidates=50)


@cache
def asked() -> tuple[Split, Tables]:
    """A shop of launches at a cut, with towers: fitted once for all tests."""
    data = launches()
    end = float(data.interactions.at.max())
    split = split_at(data, end - HORIZON, end + 1)
    return split, tables.fit(split.known, split.now, ON)


def profile(split: Split, fitted: Tables) -> Profile:
    return fold(split.histories(slice(None)), split.now, fitted.weigh, fitted.n)


def recalled(
    split: Split, fitted: Tables, *, each: int, size: int | None = None
) -> tuple[float, np.ndarray, np.ndarray]:
    """Candidates a shopper, and for each new item that was taken up: whether it was one, and whether it had never been
    bought before the cut."""
    p = profile(split, fitted)
    book = features.Scorebook(fitted, p, keep=True)
    offsets, items = candidates(fitted, book, own=400, each=each, size=size)
    found = np.repeat(np.arange(p.n_shoppers), np.diff(offsets)) * fitted.n + items
    truth = split.unseen
    hit = np.isin(truth.shoppers.astype(np.int64) * fitted.n + truth.items, found)
    sold = np.bincount(split.known.interactions.item, minlength=fitted.n)
    return len(items) / p.n_shoppers, hit, sold[truth.items] == 0


class Recall(unittest.TestCase):
    def test_new_items_are_found_by_what_they_are_made_of(self) -> None:
        split, fitted = asked()
        plain = replace(fitted, towers=None)
        size, hit, cold = recalled(split, fitted, each=25)
        without_size, without, _ = recalled(split, plain, each=25)
        more_size, more, _ = recalled(split, plain, each=45)
        self.assertGreater(cold.sum(), 100)
        self.assertEqual(without[cold].mean(), 0)
        self.assertGreater(hit[cold].mean(), 0.6)
        self.assertGreater(hit.mean(), without.mean() + 0.4)
        # As many candidates of the other sources instead do not find them.
        self.assertLessEqual(size, without_size + ON.tower_candidates)
        self.assertGreater(more_size, size)
        self.assertGreater(hit.mean(), more.mean() + 0.4)

    def test_they_are_among_a_visitors_few_too(self) -> None:
        split, fitted = asked()
        size, hit, cold = recalled(split, fitted, each=100, size=300)
        self.assertLessEqual(size, 300)
        self.assertGreater(hit[cold].mean(), 0.3)

    def test_the_other_sources_candidates_stay(self) -> None:
        split, fitted = asked()
        p = profile(split, fitted)
        lists = []
        for held in (fitted, replace(fitted, towers=None)):
            offsets, items = candidates(held, features.Scorebook(held, p, keep=True), own=400, each=25)
            lists.append(np.repeat(np.arange(p.n_shoppers), np.diff(offsets)) * fitted.n + items)
        self.assertTrue(np.isin(lists[1], lists[0]).all())
        self.assertEqual(len(lists[0]) - len(lists[1]), p.n_shoppers * ON.tower_candidates)

    def test_what_is_not_allowed_or_was_dismissed_is_not_proposed(self) -> None:
        split, fitted = asked()
        assert fitted.towers is not None
        p = profile(split, fitted)
        row, item = fitted.towers.beyond(p, np.zeros(0, np.int64))
        allowed = np.ones(fitted.n, bool)
        allowed[item[:10]] = False
        dismissed = replace(p, excluded=np.unique(row[::7] * fitted.n + item[::7]))
        row, item = fitted.towers.beyond(dismissed, np.zeros(0, np.int64), allowed=allowed)
        self.assertTrue(allowed[item].all())
        self.assertFalse(np.isin(row * fitted.n + item, dismissed.excluded).any())
        self.assertFalse(np.isin(row * fitted.n + item, p.key).any())


class Report(unittest.TestCase):
    def test_a_run_tells_how_far_its_candidates_reach(self) -> None:
        split, _ = asked()
        config = replace(QUICK, horizon_days=HORIZON, tower_candidates=50, candidates=25, steps=40, cuts=1)
        trained = run_training(split.known, config, now=split.now)
        self.assertIsNotNone(trained.ranker.tables.towers)
        told = trained.metrics["candidates"]
        self.assertEqual(told["towers"], 50)
        self.assertGreater(told["a_shopper"], 100)
        self.assertGreater(told["NEW"]["recall"], 0.5)  # without towers .1
        self.assertGreater(told["NEW"]["se"], 0)


class Shopper(unittest.TestCase):
    def test_an_event_moves_the_vector_at_once(self) -> None:
        """Someone who has had nothing, and buys items of one style, colour and maker."""
        split, fitted = asked()
        assert fitted.towers is not None
        attributes = split.known.items.attributes
        style, colour = attributes["style"].codes, attributes["colour"].codes
        alike = (style == 3) & (colour == 5)
        bought = np.flatnonzero(alike)[:3]
        shares = []
        for count in range(4):
            log = events(np.zeros(count, int), bought[:count], np.full(count, split.now - 0.5))
            p = fold(Histories(np.array([0, count]), log), split.now, fitted.weigh, fitted.n)
            _, near = fitted.towers.beyond(p, np.zeros(0, np.int64))
            self.assertEqual(len(near), ON.tower_candidates)
            shares.append(float(((style[near] == 3) | (colour[near] == 5)).mean()))
        self.assertGreater(shares[1], shares[0])
        self.assertGreater(shares[3], shares[0] + 0.3)

    def test_one_shopper_and_many_are_one_call(self) -> None:
        split, fitted = asked()
        assert fitted.towers is not None
        many = fitted.towers.scores(profile(split, fitted))
        for row in (0, 17):
            alone = fold(split.histories(slice(row, row + 1)), split.now, fitted.weigh, fitted.n)
            np.testing.assert_allclose(fitted.towers.scores(alone)[0], many[row], atol=1e-4)


class Training(unittest.TestCase):
    def lists(self, data: ShopData, now: float) -> tuple[tower_lists.Lists, Profile]:
        weigh = weighing(data.interactions, data.kinds, {})
        p = fold(histories(data.interactions, np.arange(data.shoppers.n), {}), now, weigh, data.items.n)
        found = tower_lists.gather(data, now, weigh, p, HORIZON, np.random.default_rng(0))
        assert found is not None
        return found, p

    def test_what_serves_is_what_keras_computes(self) -> None:
        split, _ = asked()
        lists, p = self.lists(split.known, split.now)
        columns = lists.today.columns
        model = tower_training.network(lists.catalogue, columns.shape[1], 32)
        for name in ("own", "shared"):  # as large as trained ones are
            layer = model.get_layer(name)
            layer.set_weights([20 * layer.get_weights()[0]])
        towers = tower_training.exported(model, lists, 50)
        place = p.starts[: tower_lists.SHOPPERS, None] + np.arange(LENGTH)
        known = place < p.starts[1 : tower_lists.SHOPPERS + 1, None]
        group = np.where(known, place, 0)
        weight = np.stack([p.plain[group], p.recent[group]], axis=-1) * known[..., None]
        weight /= weight.sum(axis=1, keepdims=True)
        rng = np.random.default_rng(1)
        answers = rng.integers(split.known.items.n, size=(tower_lists.SHOPPERS, tower_lists.ANSWERS))
        drawn = rng.integers(split.known.items.n, size=tower_lists.DRAWN)
        parts = ((p.item[group], weight.astype(np.float32)), (answers, columns[answers]), (drawn, columns[drawn]))
        inputs = []
        for items, extra in parts:
            inputs += [lists.today.row[items], lists.catalogue.codes[items], extra]
        expected = np.asarray(model(inputs))
        scores = towers.scores(p)[: tower_lists.SHOPPERS]
        found = np.hstack([np.take_along_axis(scores, answers, 1), scores[:, drawn]])
        self.assertGreater(expected.std(), 1)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)

    def test_only_new_items_are_answers_and_nothing_later_is_read(self) -> None:
        split, _ = asked()
        lists, _ = self.lists(split.known, split.now)
        self.assertEqual(len(lists.windows), tower_lists.WINDOWS)
        for number, window in enumerate(lists.windows, start=1):
            cut = split.now - HORIZON * number
            owner = np.repeat(np.arange(window.p.n_shoppers), np.diff(window.start))
            self.assertFalse(np.isin(owner * window.p.n_items + window.answer, window.p.key).any())
            known = split.known.interactions.before(cut)
            self.assertEqual(window.p.count.sum(), len(known))
            buyers = np.bincount(window.p.item, minlength=window.p.n_items)
            self.assertTrue((window.side.row[buyers < tower_lists.FEWEST_BUYERS] == 0).all())

    def test_the_seed_decides(self) -> None:
        split, fitted = asked()
        assert fitted.towers is not None
        again = self.fit(split.known, split.now, ON)
        np.testing.assert_array_equal(again.vectors, fitted.towers.vectors)
        np.testing.assert_array_equal(again.out[0], fitted.towers.out[0])
        other = self.fit(split.known, split.now, replace(ON, seed=1))
        self.assertFalse(np.array_equal(other.vectors, fitted.towers.vectors))

    def fit(self, data: ShopData, now: float, config: Config) -> Towers:
        weigh = weighing(data.interactions, data.kinds, config.kind_weights, config.pace)
        p = fold(histories(data.interactions, np.arange(data.shoppers.n), {}), now, weigh, data.items.n)
        found = tower_training.fit(data, now, weigh, p, config)
        assert found is not None
        return found

    def test_without_time_or_attributes_there_are_towers_too(self) -> None:
        split, _ = asked()
        bare = replace(split.known, items=replace(split.known.items, attributes={}))
        for data, now in ((without_time(split.known), 0.0), (bare, split.now)):
            found = self.fit(data, now, ON)
            self.assertTrue(np.isfinite(found.vectors).all())
            found.require(data.items.n)

    def test_off_and_too_little(self) -> None:
        self.assertEqual(Config().tower_candidates, 0)
        few = shop(events(np.array([0, 0, 1]), np.array([0, 1, 1]), np.array([1.0, 2.0, 3.0])), 2, 3)
        weigh = weighing(few.interactions, few.kinds, {})
        p = fold(histories(few.interactions, np.arange(2), {}), 4.0, weigh, 3)
        self.assertIsNone(tower_training.fit(few, 4.0, weigh, p, ON))
        split, _ = asked()
        self.assertIsNone(tower_training.fit(split.known, split.now, weigh, p, Config()))
