from __future__ import annotations

from typing import Any
from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from catalog.records import KNOWN, NewProduct, ProductError, read_product

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.lists(st.text(max_size=5))


class ReadProductTests(TestCase):
    def test_each_refusal_names_field_and_code(self) -> None:
        refused: list[tuple[str, str, dict[str, Any]]] = [
            ("product_id", "missing", {"product_id": ""}),
            ("product_id", "missing", {"product_id": 17}),
            ("product_id", "too_long", {"product_id": "x" * 129}),
            ("price", "out_of_range", {"price": -1}),
            ("price", "not_a_number", {"price": "cheap"}),
            ("price", "not_a_number", {"price": True}),
            ("price", "out_of_range", {"price": "NaN"}),
            ("stock", "not_a_number", {"stock": "many"}),
            ("stock", "out_of_range", {"stock": -1}),
            ("currency", "bad_currency", {"currency": "dollars"}),
            ("tags", "wrong_type", {"tags": [1]}),
            ("title", "too_long", {"title": "x" * 501}),
            ("title", "not_text", {"title": "a\0"}),
            ("category", "wrong_type", {"category": 5}),
            ("image_url", "bad_url", {"image_url": "javascript:alert(1)"}),
            ("hidden", "wrong_type", {"hidden": "yes"}),
            ("rating", "not_finite", {"rating": float("inf")}),
            ("size", "wrong_type", {"size": {"a": 1}}),
            ("size", "not_finite", {"size": float("nan")}),
        ]
        for field, code, values in refused:
            with self.subTest(values), self.assertRaises(ProductError) as caught:
                read_product({"product_id": "milk"} | values)
            self.assertEqual((caught.exception.field, caught.exception.code), (field, code))

    def test_reads_every_column_and_the_rest_as_attributes(self) -> None:
        product = read_product(
            {"product_id": " 7 ", "tags": "a|b", "price": "1.50", "category": "A>B", "colour": "red"}
        )
        self.assertEqual((product.external_id, product.category, product.attributes), ("7", "A > B", {"colour": "red"}))
        self.assertEqual((product.given["tags"], str(product.given["price"])), (["a", "b"], "1.5000"))

    def test_the_id_of_the_address_counts(self) -> None:
        self.assertEqual(read_product({"product_id": "8"}, external_id="7").external_id, "7")

    @given(st.fixed_dictionaries({}, optional=dict.fromkeys([*KNOWN, "category", "size"], VALUES)))
    def test_any_values_are_a_product_or_a_refusal(self, values: dict[str, Any]) -> None:
        try:
            product = read_product({"product_id": "7"} | values)
        except ProductError as refused:
            self.assertIn(refused.field, values)
        else:
            self.assertIsInstance(product, NewProduct)
