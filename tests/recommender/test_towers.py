"""What was posted a moment ago brings the products that the towers now find nearest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from recommender import dataset, store
from recommender.dataset import DAY
from recommender.engine import tables
from recommender.engine.calibration import Calibration
from recommender.engine.config import Config
from recommender.engine.ranker import Ranker
from recommender.engine.towers import SCHEMA, Towers
from recommender.generations import StoredGeneration
from recommender.live import Subject
from recommender.packing import RecentEvent
from recommender.state import Model
from recommender.store import Pointer
from tests.goods import make_products
from tests.recommender.test_publish import PublishCase

SIZE = 40


class Live(PublishCase):
    """Forty products more, which nobody has had: half are near to tea, half to coffee."""

    def setUp(self) -> None:
        super().setUp()
        make_products(SIZE, prefix="n")
        self.switch = self.publish()
        self.snapshot = dataset.read()
        self.side = np.arange(self.snapshot.data.items.n) % 2

    def model(self, towers: Towers | None) -> Model:
        data, now = self.snapshot.data, self.snapshot.now
        fitted = replace(tables.fit(data, now, Config()), towers=towers)
        curve = Calibration(np.array([-4.0, 4.0]), np.array([0.1, 0.5]))
        ranker = Ranker(fitted, None, None, curve, Config(), 7.0)
        pointer = Pointer(self.switch.number, self.switch.generation_id, self.switch.generation.run_id)
        return Model(pointer, ranker, self.snapshot.vocabulary, StoredGeneration(self.switch.generation_id))

    def towers(self) -> Towers:
        """A shopper is where the products had lately are; nothing else is known."""
        vectors = np.eye(2, dtype=np.float32)[self.side]
        layers = [(np.zeros(shape, np.float32), np.zeros(shape[1], np.float32)) for shape in ((4, 3), (3, 2))]
        return Towers(SCHEMA, 20, vectors, np.zeros(len(vectors), np.float32), layers[0], layers[1])

    def candidates(self, model: Model, *posted: int) -> np.ndarray:
        """Of a stranger with a pool of two who posted these products, in codes."""
        ids, at = self.snapshot.vocabulary.product_ids, self.snapshot.now * DAY
        recent = tuple(
            RecentEvent(number + 1, int(ids[code]), at + number, "purchase") for number, code in enumerate(posted)
        )
        reading = store.read("s:s0", self.switch.generation_id)
        assert reading.list is not None
        pool = replace(reading.list, codes=np.array([0, 1], np.int32), scores=np.zeros(2, np.float32))
        empty = dataset.empty_history(model.vocabulary)
        history = dataset.extend(empty, recent, model.vocabulary)
        return Subject("s:stranger", model, history, pool, recent, self.snapshot.now).candidates()

    def test_an_event_brings_what_is_near_to_it(self) -> None:
        without, with_towers = self.model(None), self.model(self.towers())
        np.testing.assert_array_equal(self.candidates(with_towers), [0, 1])  # nothing posted: the pool
        for code in (2, 3):
            plain, found = self.candidates(without, code), self.candidates(with_towers, code)
            self.assertTrue(np.isin(plain, found).all())
            added = np.setdiff1d(found, plain)
            self.assertGreater(len(added), 5)
            np.testing.assert_array_equal(self.side[added], code % 2)

    def test_what_was_posted_last_turns_it(self) -> None:
        model = self.model(self.towers())
        added = np.setdiff1d(self.candidates(model, 2, 3, 5), self.candidates(self.model(None), 2, 3, 5))
        self.assertGreater(len(added), 5)
        np.testing.assert_array_equal(self.side[added], 1)
