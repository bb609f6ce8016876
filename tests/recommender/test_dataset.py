"""Rows become arrays: codes, order, cleaning, and the same history through both doors."""

from __future__ import annotations

import uuid
from datetime import timedelta

import numpy as np
from django.db import connection
from django.test import TestCase

from behavior.models import Event, Shopper
from behavior.records import UNTIMED
from catalog.models import Product
from recommender import dataset
from recommender.packing import RecentEvent
from recommender.vocabulary import Attribute, Vocabulary
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers


class Reading(TestCase):
    def test_events_arrive_as_codes_sorted_by_shopper_and_time(self) -> None:
        products, (anna, ben) = make_products(4), make_shoppers(2)
        make_event(ben, products[1], at=NEWEST - timedelta(days=1))
        make_event(anna, products[3], at=NEWEST, quantity=2, price=4)
        make_event(anna, products[0], at=NEWEST - timedelta(days=2), type="view")
        snapshot = dataset.read()
        events = snapshot.data.interactions
        self.assertEqual(snapshot.subjects, ("s:s0", "s:s1"))
        self.assertEqual(events.shopper.tolist(), [0, 0, 1])
        self.assertEqual([snapshot.vocabulary.item_ids[item] for item in events.item], ["p0", "p3", "p1"])
        self.assertEqual([snapshot.data.kinds.names[kind] for kind in events.kind], ["view", "purchase", "purchase"])
        self.assertEqual((events.quantity[1], events.price[1]), (2, 4))
        self.assertEqual(snapshot.now, NEWEST.timestamp() / 86_400)
        self.assertAlmostEqual(events.at[0], (NEWEST - timedelta(days=2)).timestamp() / 86_400, places=9)

    def test_attributes_become_codes_and_numbers(self) -> None:
        products = make_products(4)
        Product.objects.filter(pk=products[0].pk).update(attributes={"organic": "yes", "weight": 1.5})
        Product.objects.filter(pk=products[1].pk).update(attributes={"organic": "no", "weight": 2})
        make_event(make_shoppers(1)[0], products[0])
        items = dataset.read().data.items
        self.assertEqual(items.attributes["category"].labels, ("Drinks > Coffee", "Drinks > Tea"))
        self.assertEqual(items.attributes["category"].codes.tolist(), [1, 0, 1, 0])
        self.assertEqual(items.attributes["organic"].codes.tolist(), [1, 0, -1, -1])
        self.assertEqual(items.numbers["weight"][:2].tolist(), [1.5, 2.0])
        self.assertEqual(items.price.tolist(), [1, 2, 3, 4])

    def test_a_purchase_of_nothing_is_left_out_and_counted(self) -> None:
        (tea, *_), (anna, *_) = make_products(2), make_shoppers(1)
        for _ in range(30):
            make_event(anna, tea, quantity=1, price=2)
        make_event(anna, tea, quantity=0, price=2)
        make_event(anna, tea, quantity=1, price=0)
        snapshot = dataset.read()
        self.assertEqual(len(snapshot.data.interactions), 30)
        self.assertEqual((snapshot.cleaning.read, snapshot.cleaning.no_sale), (32, 2))

    def test_where_every_price_is_zero_it_says_nothing(self) -> None:
        (tea, *_), (anna, *_) = make_products(1), make_shoppers(1)
        for _ in range(5):
            make_event(anna, tea, price=0)
        self.assertEqual(len(dataset.read().data.interactions), 5)

    def test_simulated_events_and_refused_consent_stay_out(self) -> None:
        (tea, *_), (anna, ben, cleo) = make_products(1), make_shoppers(3)
        make_event(anna, tea)
        make_event(ben, tea, type="click", source="simulator")
        make_event(ben, tea, consent=False)
        make_event(cleo, tea)
        Shopper.objects.filter(pk=cleo.pk).update(consent=False)
        self.assertEqual(dataset.read().subjects, ("s:s0",))
        self.assertEqual(dataset.read(simulated=True).subjects, ("s:s0", "s:s1"))

    def test_as_of_a_past_day_nothing_later_is_known(self) -> None:
        (tea, *_), (anna, *_) = make_products(1), make_shoppers(1)
        make_event(anna, tea, at=NEWEST - timedelta(days=9))
        make_event(anna, tea, at=NEWEST)
        self.assertEqual(len(dataset.read(as_of=NEWEST - timedelta(days=1)).data.interactions), 1)

    def test_rare_stubs_are_not_recommended_many_are(self) -> None:
        (tea, *_), (anna, *_) = make_products(1), make_shoppers(1)
        stub = Product.objects.create(external_id="stub", is_stub=True)
        make_event(anna, stub)
        self.assertTrue(dataset.read().data.items.sellable.all())
        for _ in range(60):
            make_event(anna, tea)
        snapshot = dataset.read()
        self.assertEqual(snapshot.data.items.sellable.tolist(), [True, False])
        self.assertEqual(snapshot.cleaning.stub_products, 1)

    def test_untimed_and_bare_data(self) -> None:
        tea, anna = Product.objects.create(external_id="x"), Shopper.objects.create(external_id="a")
        make_event(anna, tea, at=UNTIMED)
        snapshot = dataset.read()
        self.assertFalse(snapshot.vocabulary.timed)
        self.assertEqual(snapshot.data.items.attributes, {})
        self.assertIsNone(snapshot.data.items.texts)

    def test_an_empty_shop(self) -> None:
        snapshot = dataset.read()
        self.assertEqual((len(snapshot), len(snapshot.data.interactions), snapshot.data.items.n), (0, 0, 0))

    def test_a_large_log_comes_in_blocks(self) -> None:
        from unittest.mock import patch

        make_history(make_shoppers(10), make_products(12))
        whole = dataset.read()
        with patch("recommender.copying.BLOCK_ROWS", 50):
            parts = dataset.read()
        self.assertEqual(whole.digest(), parts.digest())
        self.assertEqual(len(whole.data.interactions), Event.objects.count())


class Doors(TestCase):
    def test_a_history_is_the_same_through_both_doors(self) -> None:
        shoppers = make_shoppers(6)
        make_history(shoppers, make_products(12))
        snapshot = dataset.read()
        batch, hashes = snapshot.histories(np.arange(6))
        stored = dataset.read_histories([s.pk for s in shoppers], snapshot.vocabulary)
        live = dataset.as_histories([stored[s.pk] for s in shoppers], snapshot.vocabulary)
        np.testing.assert_array_equal(batch.offsets, live.offsets)
        for name in batch.events.__dataclass_fields__:
            np.testing.assert_array_equal(getattr(batch.events, name), getattr(live.events, name))
        for name, codes in batch.attributes.items():
            np.testing.assert_array_equal(codes, live.attributes[name])
        self.assertEqual(int(hashes.sum()), 0)  # imported

    def test_a_filled_gap_is_filled_the_same_through_both_doors(self) -> None:
        shoppers = make_shoppers(6)
        make_history(shoppers, make_products(12))
        Shopper.objects.filter(pk__in=[shoppers[0].pk, shoppers[1].pk]).update(gender="", age="")
        raw = dataset.read()
        snapshot = dataset.imputed(raw, {"gender": "most_frequent", "age": "drop", "brand": "most_frequent"})
        self.assertEqual(raw.data.shoppers.attributes["gender"].codes[:2].tolist(), [-1, -1])
        self.assertNotIn("age", snapshot.vocabulary.attributes)
        self.assertNotEqual(snapshot.vocabulary.digest, raw.vocabulary.digest)
        vocabulary = Vocabulary.from_dict(snapshot.vocabulary.to_dict())
        batch, _ = snapshot.histories(np.arange(6))
        stored = dataset.read_histories([s.pk for s in shoppers], vocabulary)
        live = dataset.as_histories([stored[s.pk] for s in shoppers], vocabulary)
        self.assertEqual(list(batch.attributes), list(live.attributes))
        np.testing.assert_array_equal(batch.attributes["gender"], live.attributes["gender"])
        self.assertTrue((batch.attributes["gender"] >= 0).all())
        self.assertIs(dataset.imputed(raw, {}), raw)

    def test_an_event_is_counted_once_whether_stored_or_recent(self) -> None:
        products, (anna, *_) = make_products(4), make_shoppers(1)
        stored = make_event(anna, products[0], source="api")
        vocabulary = dataset.read().vocabulary
        history = dataset.read_histories([anna.pk], vocabulary)[anna.pk]
        again = RecentEvent(dataset.id_hash(stored.event_id.bytes), products[0].pk, NEWEST.timestamp(), "purchase", 1.0)
        new = RecentEvent(dataset.id_hash(uuid.uuid4().bytes), products[2].pk, NEWEST.timestamp() + 60, "view")
        extended = dataset.extend(history, [again, new], vocabulary)
        self.assertEqual(extended.events.item.tolist(), [0, 2])
        self.assertEqual(extended.events.quantity.tolist(), [1, 1])

    def test_what_was_posted_late_takes_its_place_by_time(self) -> None:
        """In order it is only put behind; before the history's end, or at one moment, it is sorted in, by id then."""
        products, (anna, *_) = make_products(4), make_shoppers(1)
        make_event(anna, products[0], source="api")
        vocabulary = dataset.read().vocabulary
        history = dataset.read_histories([anna.pk], vocabulary)[anna.pk]
        now = NEWEST.timestamp()
        for posted, expected in (
            ([(1, 60, 1), (2, 120, 2)], [0, 1, 2]),
            ([(1, -60, 1), (2, 120, 2)], [1, 0, 2]),
            ([(5, 60, 3), (4, 60, 2)], [0, 2, 3]),
        ):
            events = [RecentEvent(id_, products[item].pk, now + seconds, "view") for id_, seconds, item in posted]
            extended = dataset.extend(history, events, vocabulary)
            self.assertEqual(extended.events.item.tolist(), expected)
            self.assertEqual(len(extended.hashes), 3)

    def test_unknown_products_and_types_are_left_out(self) -> None:
        products, (anna, *_) = make_products(1), make_shoppers(1)
        make_event(anna, products[0])
        vocabulary = dataset.read().vocabulary
        history = dataset.empty_history(vocabulary)
        events = [RecentEvent(1, 999_999_999, 1.0, "view"), RecentEvent(2, products[0].pk, 1.0, "yodel")]
        self.assertIs(dataset.extend(history, events, vocabulary), history)

    def test_the_vocabulary_survives_the_disk(self) -> None:
        make_history(make_shoppers(40), make_products(4), weeks=2)
        vocabulary = dataset.read().vocabulary
        back = Vocabulary.from_dict(vocabulary.to_dict())
        self.assertEqual(back.digest, vocabulary.digest)
        self.assertEqual(back.shopper_codes({"age": "33"}).tolist(), vocabulary.shopper_codes({"age": 33.0}).tolist())


class Bands(TestCase):
    def test_many_numbers_fall_into_bands_few_labels_stay(self) -> None:
        ages = Attribute.learn([str(age) for age in range(20, 80)])
        self.assertEqual(len(ages.labels), 8)
        self.assertLess(ages.code("21"), ages.code("79"))
        self.assertEqual((ages.code(""), ages.code("old")), (-1, -1))
        self.assertEqual(Attribute.learn(["35-44", "45-54", None]).labels, ("35-44", "45-54"))


class Columns(TestCase):
    def test_null_in_a_fixed_column_is_named(self) -> None:
        from psycopg import sql

        from recommender.copying import UnexpectedRows, copy_blocks

        connection.ensure_connection()
        with self.assertRaises(UnexpectedRows):
            list(copy_blocks(sql.SQL("SELECT NULL::int8"), (("n", "int8"),)))
