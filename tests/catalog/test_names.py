from __future__ import annotations

from unittest import TestCase

from hypothesis import given
from hypothesis import strategies as st

from catalog.names import plain_name, product_title, size_label


class PlainNameTests(TestCase):
    def test_codes_become_words(self) -> None:
        said = {
            "FLUID MILK WHITE ONLY": "White milk",
            "FRZN FRENCH FRIES": "Frozen French fries",
            "WAFFLES/PANCAKES/FRENCH TOAST": "Waffles, pancakes and French toast",
            "SFT DRNK 2 LITER BTL CARB INCL": "Soft drink, 2-liter bottle",
            "CAN DOG FOOD (SKIPPY/PEDIGREE/": "Canned dog food",
            "PREPARED BEANS - BAKED W/PORK": "Prepared beans, baked with pork",
            "FLORAL-FRESH CUT": "Floral, fresh cut",
            "NON-DAIRY BEVERAGES": "Non-dairy beverages",
            "MEAT-PCKGD": "Packaged meat",
        }
        for code, name in said.items():
            with self.subTest(code):
                self.assertEqual(plain_name(code), name)

    def test_an_ordinary_name_is_left_alone(self) -> None:
        for name in ("Whole milk", "iPhone 15", "Ü", ""):
            self.assertEqual(plain_name(name), name)

    @given(st.text("ABC/&-()., :%12", max_size=30))
    def test_any_code_has_a_name_without_stray_spaces(self, code: str) -> None:
        name = plain_name(code)
        self.assertEqual(name, " ".join(name.split()))


class TitleTests(TestCase):
    def test_type_and_size(self) -> None:
        self.assertEqual(product_title("YOGURT NOT MULTI-PACKS", "YOGURT", "6 OZ"), "Yogurt cup · 6 oz")

    def test_a_type_that_says_nothing_is_said_with_its_category(self) -> None:
        self.assertEqual(product_title("LEAN", "BEEF"), "Lean beef")
        self.assertEqual(
            product_title("PREMIUM", "ICE CREAM/MILK/SHERBTS", "56 OZ"), "Premium ice cream and sherbet · 56 oz"
        )

    def test_without_a_type_the_category_and_without_both_nothing(self) -> None:
        self.assertEqual((product_title("", "BACON", "1 LB"), product_title("", "", "1 LB")), ("Bacon · 1 lb", ""))

    def test_sizes(self) -> None:
        sizes = {".25 OZ": "0.25 oz", "12CT": "12 ct", "CTN": "loose", "PT": "1 pt", "15.0 OZ": "15 oz", "": ""}
        self.assertEqual({size: size_label(size) for size in sizes}, sizes)
