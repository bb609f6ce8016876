import itertools
import re
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.test import SimpleTestCase

from recsite.dashboard.departments import FALLBACK, STEP, department
from recsite.dashboard.lists import TileCard, TileList, with_moves
from recsite.dashboard.names import NUMERO, Named, apart
from recsite.dashboard.pages.gallery_goods import GOODS
from recsite.dashboard.silhouettes import SILHOUETTES
from recsite.dashboard.tiles import Tile, tile

SHAPES_OF = {
    "White milk": "jug",
    "Orange juice": "bottle",
    "Red grapes": "bunch",
    "Grape tomatoes": "round",
    "Large eggs": "eggs",
    "Bananas": "banana",
    "Strawberries": "strawberry",
    "Hamburger buns": "bun",
    "Lean beef mince": "tray",
}


def of(title: str, category: str = "", **more: str) -> Tile:
    return tile(key="1095275", title=title, category=category, **more)  # type: ignore[arg-type]


class Drawings(SimpleTestCase):
    def test_words_of_the_type_choose_the_drawing(self) -> None:
        for title, category, _ in GOODS:
            if title in SHAPES_OF:
                self.assertEqual(of(title, category).silhouette, SHAPES_OF[title], title)

    def test_every_drawing_has_a_good_that_shows_it(self) -> None:
        shown = {of(title, category).silhouette for title, category, _ in GOODS}
        self.assertEqual(shown, set(SILHOUETTES))
        self.assertEqual(len(SILHOUETTES), 23)

    def test_what_it_is_packed_in_comes_before_what_it_is_made_of(self) -> None:
        self.assertEqual(of("Grape juice", "Drinks > Juices").silhouette, "bottle")
        self.assertEqual(of("Corn", "Grocery > Vegetables, shelf stable > Corn").silhouette, "tin")
        self.assertEqual(of("Corn", "Produce > Corn").silhouette, "leaf")

    def test_a_foreign_catalogue_gets_a_box_in_its_categorys_own_hue(self) -> None:
        comedy, drama = of("The Bean Trees", "Books > Comedy"), of("Alien", "Films > Drama")
        self.assertEqual({comedy.silhouette, drama.silhouette}, {FALLBACK})
        self.assertNotEqual(comedy.hue, drama.hue)

    def test_ids_alone_are_spread_over_the_hues(self) -> None:
        self.assertGreater(len({tile(key=str(number)).hue for number in range(60)}), 20)

    def test_the_same_product_has_the_same_tile(self) -> None:
        self.assertEqual(of("White milk", "Dairy > Milk"), of("White milk", "Dairy > Milk"))

    def test_about_half_are_mirrored(self) -> None:
        mirrored = sum(tile(key=str(number)).mirrored for number in range(1000))
        self.assertTrue(400 < mirrored < 600, mirrored)


class Hues(SimpleTestCase):
    def test_departments_have_the_hues_that_were_decided(self) -> None:
        self.assertEqual(department("White milk", "Dairy > Milk"), ("Dairy & eggs", 256))
        self.assertEqual(department("Frozen pizza", "Grocery > Frozen pizza"), ("Frozen", 216))
        self.assertEqual(department("Baby carrots", "Produce > Carrots"), ("Produce", 140))

    def test_a_tile_stays_within_twelve_degrees_of_its_department(self) -> None:
        hues = [tile(key=str(number), title="White milk", category="Dairy > Milk").hue for number in range(50)]
        self.assertTrue(all(244 <= hue <= 268 for hue in hues), hues)
        self.assertEqual(len(set(hues)), 7)

    def test_produce_is_refined(self) -> None:
        self.assertAlmostEqual(of("Blueberries", "Produce > Berries").hue, 280, delta=12)
        self.assertAlmostEqual(of("Bananas", "Produce > Tropical fruit").hue, 98, delta=14)

    def test_every_hue_has_its_class_in_the_style_sheet(self) -> None:
        sheet = (Path(settings.BASE_DIR) / "static/css/console.css").read_text()
        known = {int(hue) for hue in re.findall(r"\.hue-(\d+) ", sheet)}
        self.assertEqual(known, set(range(0, 360, STEP)))


class Markup(SimpleTestCase):
    def render(self, shown: Tile) -> str:
        return render_to_string("partials/tile.html", {"c": shown})

    def test_a_tile_beside_its_name_is_hidden_from_readers(self) -> None:
        self.assertIn('aria-hidden="true"', self.render(of("White milk")))
        alone = self.render(of("White milk", alone=True))  # type: ignore[arg-type]
        self.assertIn('role="img" aria-label="White milk"', alone)

    def test_no_tile_carries_a_style_attribute(self) -> None:
        for title, category, label in GOODS:
            self.assertNotIn("style", self.render(of(title, category, label=label)))

    def test_the_size_is_on_the_tile_but_not_on_a_small_one(self) -> None:
        self.assertIn("1 gal", self.render(of("White milk", label="1 gal")))
        self.assertNotIn("1 gal", self.render(of("White milk", label="1 gal", size="s")))

    def test_a_picture_replaces_the_drawing(self) -> None:
        html = self.render(of("White milk", image_url="https://shop.example/milk.jpg", label="1 gal"))
        self.assertIn('src="https://shop.example/milk.jpg"', html)
        self.assertNotIn("<svg", html)

    def test_what_a_shop_wrote_is_escaped(self) -> None:
        self.assertNotIn("<script", self.render(of("<script>x", label="<script>")))


class ApartTest(SimpleTestCase):
    """Equal names that stand together are told apart."""

    def test_by_brand_where_that_is_enough_else_by_number(self) -> None:
        named = [
            Named("White milk", "Brand 1", "11"),
            Named("White milk", "Brand 2", "12"),
            Named("White milk", "Brand 2", "13"),
            Named("White milk", "", "14"),
            Named("Bread", "Brand 1", "15"),
        ]
        numbered = [f"White milk · {NUMERO}{number}" for number in (12, 13, 14)]
        expected = ["White milk · Brand 1", *numbered, "Bread"]
        self.assertEqual(apart(named), expected)

    def test_a_size_on_the_tile_is_enough(self) -> None:
        named = [Named("Milk", "A", "1", "1 gal"), Named("Milk", "A", "2", "1 pt"), Named("Milk", "B", "3", "1 pt")]
        self.assertEqual(apart(named), ["Milk", "Milk · A", "Milk · B"])

    def test_no_two_names_are_ever_equal(self) -> None:
        kinds = list(itertools.product("ab", ("", "x", "y")))
        for rows in itertools.product(kinds, repeat=4):
            said = apart([Named(name, brand, str(number)) for number, (name, brand) in enumerate(rows)])
            self.assertEqual(len(set(said)), len(rows), rows)

    def test_a_list_of_tiles_does_it_by_itself(self) -> None:
        cards = [TileCard(tile(key=key), "Milk", key=key, brand=brand) for key, brand in (("1", "A"), ("2", "B"))]
        self.assertEqual([card.name for card in TileList(cards, "List").cards], ["Milk · A", "Milk · B"])


class BothListsTest(SimpleTestCase):
    def card(self, key: str, brand: str) -> TileCard:
        return TileCard(tile(key=key, title="Tea"), "Tea", key=key, brand=brand)

    def test_equal_names_are_told_apart_over_both_lists(self) -> None:
        a, b = with_moves(
            [self.card("1", "Own"), self.card("2", "Own")], [self.card("2", "Own"), self.card("3", "Far")]
        )
        self.assertEqual([card.name for card in a], [f"Tea · {NUMERO}1", f"Tea · {NUMERO}2"])
        self.assertEqual([card.name for card in b], [f"Tea · {NUMERO}2", "Tea · Far"])

    def test_one_product_in_both_lists_keeps_its_name(self) -> None:
        a, b = with_moves([self.card("1", "Own")], [self.card("1", "Own")])
        self.assertEqual([card.name for card in (*a, *b)], ["Tea", "Tea"])
