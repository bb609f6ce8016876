"""The catalogue reaches the serving processes, from the first product on."""

from __future__ import annotations

import numpy as np
from django.test import TestCase

from catalog.models import Product
from recommender import availability, catalogue, catalogue_changes
from recsite.testing import flush_redis


class FirstImport(TestCase):
    """The shop is open before it has a product: the demo's page is up while the import runs."""

    def setUp(self) -> None:
        flush_redis()
        availability._base.cache_clear()
        availability.publish_base()
        self.products = [Product.objects.create(external_id=f"p{n}", title=f"Product {n}") for n in range(3)]

    def test_the_first_products_are_changes_of_an_empty_base(self) -> None:
        self.assertEqual(availability.publish_changes(), 3)
        self.assertEqual({change.external_id for change in availability.load_changes()}, {"p0", "p1", "p2"})

    def test_an_empty_base_takes_the_order_of_a_vocabulary(self) -> None:
        base = availability.load_base()
        assert base is not None
        ids = np.array([product.pk for product in self.products], np.int64)
        aligned = catalogue_changes.aligned(base, ids)
        self.assertEqual(aligned.product_ids.tolist(), ids.tolist())
        self.assertFalse(aligned.sellable.any())
        whole = catalogue_changes.changed(aligned, catalogue.read_products())
        self.assertEqual(whole.shelf.external_ids, ("p0", "p1", "p2"))
        self.assertTrue(whole.sellable.all())


class UnknownToTheBase(TestCase):
    """A product of the model's vocabulary that the base does not have yet."""

    def test_does_not_answer_to_the_name_of_another(self) -> None:
        first = Product.objects.create(external_id="first", title="First")
        base = catalogue.read(0.0)
        second = Product.objects.create(external_id="second", title="Second")
        aligned = catalogue_changes.aligned(base, np.array([first.pk, second.pk], np.int64))
        self.assertEqual(aligned.shelf.codes_of(["first"]).tolist(), [0])
        self.assertEqual(aligned.sellable.tolist(), [True, False])
        whole = catalogue_changes.changed(aligned, catalogue.read_products([second.pk]))
        self.assertEqual(whole.shelf.codes_of(["first", "second"]).tolist(), [0, 1])
        self.assertEqual(whole.sellable.tolist(), [True, True])
