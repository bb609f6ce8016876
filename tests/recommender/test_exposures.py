"""Served lists and impressions become rows: which count, in whose codes, up to when."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
from django.test import TestCase

from behavior.models import Shopper
from catalog.models import Product
from recommender import dataset
from recommender.models import ServedList
from tests.goods import NEWEST, make_event, make_products, make_shoppers


def _serve(
    name: str, shopper: Shopper, products: list[Product], *, at: datetime, placement: str = "home", source: str = "api"
) -> None:
    ServedList.objects.create(
        recommendation_id=name,
        at=at,
        shopper_kind=shopper.kind,
        shopper_external_id=shopper.external_id,
        placement=placement,
        products=[product.pk for product in products],
        source=source,
    )


class ShownTests(TestCase):
    def setUp(self) -> None:
        self.products = make_products(4)
        self.anna, self.ben = make_shoppers(2)
        make_event(self.anna, self.products[0], at=NEWEST)
        make_event(self.ben, self.products[1], at=NEWEST - timedelta(days=9))
        self.day = NEWEST - timedelta(days=1)

    def test_without_lists_nothing_was_shown(self) -> None:
        self.assertEqual(len(dataset.read().data.shown), 0)

    def test_a_list_becomes_a_row_a_position(self) -> None:
        _serve("r1", self.ben, [self.products[2], self.products[0]], at=self.day)
        snapshot = dataset.read()
        shown = snapshot.data.shown
        self.assertEqual((shown.shopper.tolist(), shown.position.tolist()), ([1, 1], [1, 2]))
        self.assertEqual([snapshot.vocabulary.item_ids[item] for item in shown.item], ["p2", "p0"])
        np.testing.assert_allclose(shown.at, self.day.timestamp() / 86_400, atol=1e-9)
        self.assertEqual([shown.placements[code] for code in shown.placement], ["home", "home"])

    def test_where_impressions_are_posted_only_seen_lists_count(self) -> None:
        _serve("seen", self.anna, self.products[:2], at=self.day)
        _serve("unseen", self.anna, self.products[:2], at=self.day)
        _serve("half", self.ben, self.products[:2], at=self.day)
        _serve("other", self.ben, self.products[:1], at=self.day, placement="basket")
        make_event(self.anna, None, at=self.day, type="impression", recommendation_id="seen")
        make_event(self.ben, self.products[1], at=self.day, type="click", recommendation_id="half")
        shown = dataset.read().data.shown
        rows = sorted(
            zip(
                (shown.placements[code] for code in shown.placement),
                shown.shopper.tolist(),
                shown.position.tolist(),
                strict=True,
            )
        )
        self.assertEqual(rows, [("basket", 1, 1), ("home", 0, 1), ("home", 0, 2), ("home", 1, 2)])

    def test_impressions_of_foreign_lists_count(self) -> None:
        make_event(self.anna, self.products[3], at=self.day, type="impression", placement="newsletter", position=3)
        make_event(self.anna, self.products[2], at=self.day, type="impression")
        shown = dataset.read().data.shown
        found = {(shown.placements[c], int(p)) for c, p in zip(shown.placement, shown.position, strict=True)}
        self.assertEqual(found, {("newsletter", 3), ("", 0)})

    def test_later_lists_strangers_and_refusals_stay_out(self) -> None:
        _serve("later", self.anna, self.products, at=NEWEST + timedelta(days=1))
        stranger = Shopper(kind="shopper", external_id="nobody-knows")
        _serve("stranger", stranger, self.products, at=self.day)
        _serve("refused", self.ben, self.products, at=self.day)
        Shopper.objects.filter(pk=self.ben.pk).update(consent=False)
        self.assertEqual(len(dataset.read().data.shown), 0)

    def test_simulated_lists_only_where_asked(self) -> None:
        _serve("s", self.anna, self.products[:2], at=self.day, source="simulator")
        self.assertEqual(len(dataset.read().data.shown), 0)
        self.assertEqual(len(dataset.read(simulated=True).data.shown), 2)
