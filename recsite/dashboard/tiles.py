"""Product tiles: a silhouette on a tinted square, the same for the same product wherever it stands.

Silhouette and hue come from the words of the product's type and categories, from the most specific to the most
general; a catalogue that uses none of these words gets a box in a hue of each top category's own.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from recsite.dashboard.silhouettes import SILHOUETTES

STEP = 4  # degrees between the hues that the style sheet knows
FALLBACK = "box"
PRODUCE_SHAPES = {"fruit", "berries", "bunch", "round", "strawberry", "banana", "leaf"}

# The first that matches wins: what a thing is packed in comes before what it is made of (grape juice is a jug).
_SHAPE_WORDS: tuple[tuple[str, str], ...] = (
    ("bag", r"frozen (vegetables?|fruits?|potatoes)"),
    ("roll", r"paper towels?|bath(room)? tissues?|toilet|foil|plastic wraps?|food wraps?|fd wraps"),
    ("jar", r"baby ?foods?|infant formula|spices?|seasonings?|extracts?"),
    ("eggs", r"eggs?(?! ?(noodle|nog|plant|roll|sub))"),
    (
        "box",
        r"crackers?|pizza|entrees?|dinners?|cereals?|cake mix|mixes|macaroni|pot pies|waffles?|oatmeal"
        r"|granola bars?|bars?",
    ),
    (
        "bun",
        r"(?<!bacon )buns?|bagels?|muffins?|donuts?|doughnuts?|croissants?"
        r"|sandwich(es)?(?! (cookie|spread|bag))|biscuits?",
    ),
    ("can", r"(soft )?drinks? (\w+ ){0,4}cans|beer\w*|ales?|energy drinks?|soda|cola"),
    ("carton", r"creamers?|half ?(&|and) ?half|soy ?milk|almond milk|non-?dairy|juice box\w*|broth|whipping cream"),
    (
        "tub",
        r"yogh?urts?|margarines?|sour creams?|cottage|cream cheese|ice cream|sherbets?|dips?|hummus|butter tub"
        r"|spreads?",
    ),
    (
        "jug",
        r"milk|ciders?|detergents?|bleach|softeners?|drinking water|distilled|gallon|apple juice|antifreeze"
        r"|motor oil",
    ),
    (
        "bottle",
        r"juices?|drinks?|drnks?|wines?|liquors?|spirits|vodka|whisk\w+|rum|waters?|dressings?|oils?|vinegars?"
        r"|syrups?|ketchup|catsup|barbe?que sauce|bbq|cleaners?|mouthwash|perfumes?|fragrances?|teas? bottled"
        r"|isotonic",
    ),
    ("tin", r"soups?|canned|cans?|tuna|shelf stable|beans?|dog food canned|cat food canned|chili|spam"),
    (
        "jar",
        r"jars?|sauces?|salsa|jell(y|ies)|jams?|preserves|peanut butter|pnt btr|pickles?|relish|olives?"
        r"|mayonnaise|honey|mustard|vitamins?|candles?|capsules|tablets|coffee",
    ),
    (
        "bag",
        r"chips?|snacks?|cand(y|ies)|pretzels?|popcorn|nuts?|peanuts|flour|sugars?|rice|dog foods?|cat litter"
        r"|litter|shredded|frozen|frzn|fries|salad mix|bagged|seeds?|charcoal|pasta|noodles|chocolate"
        r"|trash bags|diapers?|cheese",
    ),
    ("box", r"cookies?|butter|tissues?|teas?|dough|pies?|cakes?|pastr(y|ies)|toothpaste|dessert\w*"),
    ("loaf", r"breads?|toast|loa(f|ves)|tortillas?"),
    (
        "pump",
        r"soaps?|shampoos?|lotions?|conditioners?|deodorants?|sanitizers?|make-?up|cosmetics?|hair|shav\w+"
        r"|creams?|skin|sunscreens?|suntan|facial",
    ),
    ("leaf", r"lettuce|spinach|kale|cabbage|fresh herbs?"),
    ("bowl", r"salad bar|sushi|prepared|hot food|salads?|bowls?|party trays?|deli"),
    (
        "tray",
        r"meats?|beef|pork|chicken|turkey|ham|bacon|sausages?|lunchmeats?|bologna|fish|seafood|salmon|shrimp"
        r"|tilapia|lamb|veal|steaks?|ribs?|patties|poultry|hot dogs?|loin|roasts?|franks|mince",
    ),
    ("strawberry", r"strawberr\w+"),
    ("berries", r"\w*berr(y|ies)"),
    ("banana", r"bananas?|plantains?"),
    ("bunch", r"grapes?(?! ?(tomato|fruit))"),
    ("fruit", r"apples?|cherr(y|ies)|pears?|plums?|fruits?"),
    (
        "round",
        r"tomato(es)?|cantaloupes?|melons?|\w*melons?|oranges?|citrus|onions?|potato(es)?|squash|pumpkins?"
        r"|lemons?|limes?|grapefruits?|peach(es)?|nectarines?|mango\w*|avocados?|peppers?|clementines?"
        r"|tangerines?|beets?|kiwis?",
    ),
    (
        "leaf",
        r"lettuce|spinach|herbs?|broccoli|cabbage|celery|greens?|flowers?|floral|plants?|ros(e|es)|bouquets?"
        r"|kale|parsley|cilantro|asparagus|mushrooms?|carrots?|cucumbers?|corn|vegetables?|produce|organic"
        r"|garden|foliage|mums",
    ),
)
_PRODUCE_HUES: tuple[tuple[int, str], ...] = (
    (280, r"blueberr\w+|blackberr\w+|plums?|eggplants?"),
    (30, r"tomato(es)?"),
    (330, r"grapes?(?! ?fruit)|onions? red"),
    (98, r"bananas?|plantains?|lemons?|corn|pineapples?"),
    (
        62,
        r"oranges?|\w*melons?|cantaloupes?|citrus|tangerines?|clementines?|peach(es)?|carrots?|grapefruits?"
        r"|mango\w*",
    ),
    (82, r"potato(es)?|onions?|mushrooms?"),
    (120, r"flowers?|floral|ros(e|es)|bouquets?|plants?|foliage|mums"),
    (18, r"strawberr\w+|raspberr\w+|cranberr\w+|cherr(y|ies)|apples?(?! ?granny)|radish\w*"),
)
# Departments, with the words that name them in shops' own trees and types.
_DEPARTMENTS: tuple[tuple[str, int, str], ...] = (
    (
        "Pantry",
        95,
        r"(vegetable|salad) oils?|peanut butter|salad dressings?|mayonnaise|macaroni (and )?cheese"
        r"|prepared beans",
    ),
    (
        "Baby & pets",
        345,
        r"baby(?! (carrot|spinach|green|lettuce))|babyfood|infants?|diapers?|dogs? foods?"
        r"|cats? (food|litter)|pets?|bird seed",
    ),
    ("Frozen", 216, r"frozen|frzn|frz|ice cream|novelties|ice"),
    ("Flowers", 120, r"floral|flowers?|ros(e|es)|bouquets?|plants?|garden cent(er|re)|foliage|mums"),
    (
        "Beauty",
        335,
        r"beauty|cosmetics?|make-?up|hair|shampoos?|conditioners?|deodorants?|fragrances?"
        r"|facial(?! tissue)|skin|nail\w*",
    ),
    (
        "Health",
        295,
        r"health|vitamins?|analgesics?|medicines?|cold and flu|first aid|antacids?|laxatives?|diet|nutrition"
        r"|pharmacy|hygiene|toothpaste|oral|sinus|eye|foot|shav\w+|drug gm",
    ),
    (
        "Household",
        268,
        r"household|paper|tissues?|toilet|detergents?|clean\w*|bleach|laundry|softeners?|housewares?"
        r"|kitchen\w*|foil|(trash|garbage|storage) bags|batteries|candles?|soaps?|cards?|stationery"
        r"|school|hardware|light\w*|home"
        r"|garden tools|trash",
    ),
    (
        "Snacks",
        325,
        r"snacks?|chips?|cand(y|ies)|cookies?|crackers?|popcorn|pretzels?|nuts|peanuts"
        r"|chocolate(?! milk)|granola",
    ),
    (
        "Drinks",
        172,
        r"soft drinks?|sft drnk|drinks?|drnks?|beverages?|juices?|ciders?|waters?|beer\w*|ales?|wines?"
        r"|liquors?|spirits|teas?|coffees?|soda|cola|isotonic",
    ),
    (
        "Bakery",
        72,
        r"bakery|breads?|buns?|rolls?|bagels?|muffins?|pastr(y|ies)|donuts?|doughnuts?|tortillas?|cakes?|pies?",
    ),
    ("Deli", 48, r"deli|salad bar|sushi|sandwich(es)?(?! (cookie|spread|bag))|prepared|restaurant|chef"),
    (
        "Dairy & eggs",
        256,
        r"dairy|milk|yogh?urts?|cheeses?|butter(?! ?nut)|margarines?|creams?|eggs?|creamers?|cottage",
    ),
    (
        "Meat & fish",
        18,
        r"meats?|beef|pork|chicken|turkey|ham|bacon|sausages?|lunchmeats?|fish|seafood|salmon|shrimp|lamb|veal"
        r"|hot dogs?|poultry|bologna|steaks?|ribs?",
    ),
    ("Produce", 140, r"produce|vegetables?|fruits?|salads?|lettuce|herbs?|greens?|celery|broccoli|cabbage|organics?"),
    (
        "Pantry",
        95,
        r"pantry|grocery|soups?|sauces?|pasta|noodles|rice|beans?|cereals?|spices?|seasonings?|baking|flour"
        r"|sugars?|oils?|condiments?|dressings?|canned|shelf stable|mixes|syrups?|jell(y|ies)|jams?"
        r"|peanut butter|pickles?|olives?|dinners?",
    ),
)


def _compiled(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_SHAPES = tuple((shape, _compiled(words)) for shape, words in _SHAPE_WORDS)
_PRODUCE = tuple((hue, _compiled(words)) for hue, words in _PRODUCE_HUES)
_PRESERVED = (("tin", "Pantry", _compiled(r"shelf stable|canned")), ("bag", "Frozen", _compiled(r"frozen|frzn")))
_FAMILIES = tuple((name, hue, _compiled(words)) for name, hue, words in _DEPARTMENTS)


_HUES = {name: hue for name, hue, _ in _DEPARTMENTS}


@dataclass(frozen=True)
class Tile:
    """What a tile shows. ``size``: S (32 px), M (fills its column) or L (176 px); ``label`` is the package size.

    ``name`` is read out only where no name stands beside the tile (``alone``).
    """

    template: ClassVar[str] = "partials/tile.html"
    silhouette: str
    hue: int
    mirrored: bool = False
    label: str = ""
    image_url: str = ""
    size: str = "m"
    name: str = ""
    alone: bool = False

    @property
    def shapes(self) -> str:
        return SILHOUETTES[self.silhouette]


def tile(
    *,
    key: str,
    title: str = "",
    category: str = "",
    label: str = "",
    image_url: str = "",
    size: str = "m",
    alone: bool = False,
) -> Tile:
    """The tile of a product. ``key`` is its id, ``category`` the path with `` > ``, ``label`` its package size."""
    texts = _texts(title, category)
    digest = zlib.crc32(key.encode())
    shape = silhouette(texts)
    base = _hue(texts, shape) if category or shape != FALLBACK else digest // 7 % 360
    hue = (base + (digest % 7 - 3) * STEP) % 360 // STEP * STEP
    return Tile(shape, hue, bool(digest >> 8 & 1), label, image_url, size, title, alone)


def tile_of(product: Any, *, size: str = "m", alone: bool = False) -> Tile:
    """The tile of a ``catalog.Product`` (with its category selected)."""
    from recsite.dashboard.names import display_name, package_size

    return tile(
        key=product.external_id,
        title=display_name(product) if alone or product.image_url else product.title,
        category=product.category.path if product.category_id else "",
        label=package_size(product),
        image_url=product.image_url,
        size=size,
        alone=alone,
    )


def silhouette(texts: list[str]) -> str:
    """Which of the drawings, by the words of ``texts`` (most specific first)."""
    found = next((shape for text in texts for shape, pattern in _SHAPES if pattern.search(text)), FALLBACK)
    kept = _preserved(texts)
    return kept[0] if kept and found in PRODUCE_SHAPES else found


def _preserved(texts: list[str]) -> tuple[str, str] | None:
    """Corn in a tin is no produce, though only the category above it says so: its drawing and department."""
    return next((kept[:2] for kept in _PRESERVED if any(kept[2].search(text) for text in texts)), None)


@lru_cache(maxsize=1 << 16)
def department(title: str, category: str) -> tuple[str, int]:
    """A product's department in plain words, with its hue; unknown ones keep the shop's own word for the top."""
    return _department(_texts(title, category))


def hue_of_category(category: str) -> int:
    """The hue of a category path, for charts; a multiple of 4 degrees."""
    return round(_department(_texts("", category))[1] / STEP) * STEP % 360


def _hue(texts: list[str], shape: str) -> int:
    if shape in PRODUCE_SHAPES:
        for text in texts:
            for hue, pattern in _PRODUCE:
                if pattern.search(text):
                    return hue
    return _department(texts)[1]


def _department(texts: list[str]) -> tuple[str, int]:
    for text in texts:
        for name, hue, pattern in _FAMILIES:
            if pattern.search(text):
                kept = _preserved(texts) if name == "Produce" else None
                return (kept[1], _HUES[kept[1]]) if kept else (name, hue)
    top = texts[-1] if texts else ""
    return top or "Other", zlib.crc32(top.casefold().encode()) % 360


def _texts(title: str, category: str) -> list[str]:
    """Title with the innermost category, then outwards to the top one; codes' separators become blanks.

    The title of something whose categories are none of ours says nothing of its looks: "The Bean Trees" is no tin.
    """
    path, is_ours = _path(category)
    if path and not is_ours:
        return path[::-1]
    texts = [_spaced(f"{title} {path[-1] if path else ''}"), *path[-2::-1]]
    if len(path) == 1 and title:
        texts.append(path[0])
    return [text for text in texts if text]


@lru_cache(maxsize=1 << 14)
def _path(category: str) -> tuple[list[str], bool]:
    """The categories from the top down, and whether any of them is one of ours."""
    path = [_spaced(part) for part in category.split(">") if part.strip()]
    return path, any(pattern.search(part) for part in path for _, _, pattern in _FAMILIES)


def _spaced(text: str) -> str:
    return " ".join(re.sub(r"[/,;:()_.-]+", " ", text).split())
