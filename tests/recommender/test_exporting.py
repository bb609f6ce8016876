"""Everybody's list in a file: the API's own lists, whoever runs beside."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

from django.core.management import call_command
from django.test import TestCase
from django.utils import timezone

from behavior.models import Shopper
from behavior.records import UNTIMED
from catalog.models import Product
from recommender import availability, serve, state
from recsite.testing import open_new_shop
from tests.goods import NEWEST, make_event, make_shoppers
from tests.recommender.test_serve import ServeCase, products


def export(*arguments: str) -> list[dict[str, str]]:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        call_command("export_recommendations", "--out", file.name, *arguments, verbosity=0)
        return list(csv.DictReader(Path(file.name).read_text().splitlines()))


class Exporting(ServeCase):
    def test_everybody_has_n_and_the_best_first(self) -> None:
        rows = export("--n", "7")
        self.assertEqual(len(rows), 7 * len(self.shoppers))
        mine = [row["product_id"] for row in rows if row["shopper_id"] == "s0"]
        self.assertEqual(mine, products(serve.Request(shopper="s0", n=7, as_of=NEWEST)))

    def test_ids_are_written_as_they_are(self) -> None:
        Product.objects.filter(external_id="p3").update(external_id="=3+4")
        Shopper.objects.filter(external_id="s0").update(external_id="-1")
        availability.publish_base()
        state.forget()
        rows = export("--n", "24")
        self.assertIn("-1", {row["shopper_id"] for row in rows})
        self.assertIn("=3+4", {row["product_id"] for row in rows})

    def test_what_was_hidden_since_is_left_out_though_no_worker_runs(self) -> None:
        self.assertIn("p3", {row["product_id"] for row in export("--n", "24")})
        Product.objects.filter(external_id="p3").update(hidden=True, updated_at=timezone.now())
        state.forget()
        self.assertNotIn("p3", {row["product_id"] for row in export("--n", "24")})

    def test_new_only_leaves_out_what_was_had(self) -> None:
        had = {
            (shopper.external_id, event.product.external_id)
            for shopper in self.shoppers
            for event in shopper.event_set.all()
            if event.product
        }
        rows = export("--new-only")
        self.assertFalse(had & {(row["shopper_id"], row["product_id"]) for row in rows})


class ExportingWithoutAModel(TestCase):
    def test_untimed_data_without_attributes_is_exported(self) -> None:
        open_new_shop(self)
        goods = Product.objects.bulk_create(Product(external_id=f"{number}") for number in range(6))
        for person in make_shoppers(3):
            make_event(person, goods[0], at=UNTIMED)
        rows = export("--n", "5")
        self.assertEqual(len(rows), 15)
        self.assertEqual([row["product_id"] for row in rows if row["rank"] == "1"], ["0"] * 3)
