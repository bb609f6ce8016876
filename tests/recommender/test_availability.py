"""The catalogue reaches the serving processes, from the first product on."""

from __future__ import annotations

import numpy as np
from django.test import TestCase
from django.utils import timezone

from behavior.models import Event
from catalog.models import Product
from recommender import availability, catalogue, catalogue_changes
from recsite.testing import flush_redis
from tests.goods import make_event, make_products, make_shoppers


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


class OnlyInEvents(TestCase):
    """Products that no file describes have no name to show."""

    def setUp(self) -> None:
        flush_redis()
        availability._base.cache_clear()
        (anna,) = make_shoppers(1)
        (known,) = make_products(1)
        self.stub = Product.objects.create(external_id="ghost", is_stub=True)
        for product in (known,) * 99 + (self.stub,):
            make_event(anna, product)
        self.anna = anna

    def sellable(self) -> dict[str, bool]:
        base = availability.load_base()
        assert base is not None
        whole = catalogue_changes.changed(base, availability.load_changes())
        return dict(zip(whole.shelf.external_ids, whole.sellable.tolist(), strict=True))

    def test_are_not_for_sale_while_they_are_rare_and_are_once_described(self) -> None:
        availability.publish_base()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": False})
        Product.objects.create(external_id="ghost 2", is_stub=True)
        availability.publish_changes()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": False, "ghost 2": False})
        Product.objects.filter(pk=self.stub.pk).update(is_stub=False, title="Tea", updated_at=timezone.now())
        availability.publish_changes()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": True, "ghost 2": False})

    def test_a_base_from_before_they_were_rare_is_made_again(self) -> None:
        Event.objects.all().delete()
        availability.publish_base()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": True})
        for product in (Product.objects.get(external_id="p0"),) * 99 + (self.stub,):
            make_event(self.anna, product)
        availability._are_stubs_rare.cache_clear()  # ten minutes later
        availability.publish_changes()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": False})

    def test_are_where_the_catalogue_has_not_come_yet(self) -> None:
        for _ in range(20):
            make_event(self.anna, self.stub)
        availability.publish_base()
        self.assertEqual(self.sellable(), {"p0": True, "ghost": True})
