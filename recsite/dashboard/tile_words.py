"""The words by which a product gets its drawing and its hue."""

from __future__ import annotations

# The first that matches wins: what a thing is packed in comes before what it is made of (grape juice is a jug).
SHAPE_WORDS: tuple[tuple[str, str], ...] = (
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
PRODUCE_HUES: tuple[tuple[int, str], ...] = (
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
DEPARTMENTS: tuple[tuple[str, int, str], ...] = (
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
