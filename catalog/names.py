"""Till codes as people would say them: ``FRZN FRENCH FRIES`` → ``Frozen French fries``.

Catalogues that come from tills spell in capitals, cut words short and stop in the middle of one. Pure and generic:
whole phrases that no rule would get right, then word by word. A name in ordinary spelling is left as it is.
"""

from __future__ import annotations

import re

#: Phrases that are said in another order, or that words alone would get wrong. Keys: letters and digits only.
PHRASES = {
    "fluid milk white only": "White milk",
    "fluid milk products": "Milk",
    "soft drinks 12 18 15pk can car": "Soft drinks, cans",
    "soft drinks 20pk 24pk can carb": "Soft drinks, large pack of cans",
    "soft drinks 6pk 4pk can carb": "Soft drinks, small pack of cans",
    "sft drnk 2 liter btl carb incl": "Soft drink, 2-liter bottle",
    "sft drnk sngl srv btl carb": "Soft drink, single bottle",
    "sft drnk mlt pk btl carb": "Soft drink, pack of bottles",
    "soft drink bottle non carb": "Still soft drink, bottle",
    "soft drinks can non carb": "Still soft drink, cans",
    "yogurt not multi packs": "Yogurt cup",
    "yogurt multi packs": "Yogurt, multi-pack",
    "mainstream white bread": "White bread",
    "mainstream wheat multigrain br": "Wheat and multigrain bread",
    "premium bread": "Premium bread",
    "candy bars": "Candy bar",
    "candy bars multi pack": "Candy bars, multi-pack",
    "candy bags chococlate": "Bag of chocolates",
    "candy bags non chocolate": "Bag of candy",
    "gasoline reg unleaded": "Unleaded gasoline",
    "ss economy entrees dinners all": "Frozen dinner, economy",
    "frzn ss premium entrees dnrs n": "Frozen dinner, premium",
    "frzn ss premium entrees dnrs t": "Frozen dinner, premium",
    "frzn multi serve entrees all": "Frozen dinner, family size",
    "beeralemalt liquors": "Beer, ale and malt liquor",
    "beers ales": "Beer and ale",
    "snack cake multi pack": "Snack cakes, multi-pack",
    "dairy case 100 pure juice o": "Chilled orange juice",
    "dairy case 100 pure juice oth": "Chilled juice",
    "dairy case juice drnk under 10": "Chilled juice drink",
    "dairy case fruit drinks": "Chilled fruit drink",
    "dairy case citrus pnch oj subs": "Chilled citrus punch",
    "dairy case tea with sugar or s": "Chilled tea, sweetened",
    "frzn bagged vegetables plain": "Frozen vegetables, bag",
    "frzn bagged vegetables value": "Frozen vegetables, seasoned",
    "frzn boxed vegetables plain": "Frozen vegetables, box",
    "frzn boxed vegetables value a": "Frozen vegetables, in sauce",
    "rts soup chunky homestyle et": "Ready-to-serve soup",
    "pourable salad dressings": "Salad dressing",
    "semi solid salad dressing may": "Mayonnaise",
    "iws single cheese": "Cheese slices, wrapped singly",
    "natural cheese exact wt chunks": "Cheese block",
    "natural cheese exact wt slices": "Cheese slices",
    "non crbntd drnking mneral wate": "Still water",
    "non carb flvrd drnkng mnrl wat": "Still flavored water",
    "non carb water flvr drnk mnr": "Still flavored water",
    "sgl sv vend mach snacks chip p": "Snack chips, single serve",
    "canned cat food": "Canned cat food",
    "can catfd gourmet sup prem": "Canned cat food, gourmet",
    "can dogfd gourmet super prem": "Canned dog food, gourmet",
    "can dog food": "Canned dog food",
    "cheese crackers": "Cheese crackers",
    "butter spray cracker": "Butter crackers",
    "soup crackers": "Soup crackers",
    "beans green fs whl cut": "Green beans",
    "sw gds donuts": "Donuts",
    "sw gds sw rolls dan": "Sweet rolls and Danish",
    "variety beans kidney pinto": "Kidney and pinto beans",
    "macaroni cheese dnrs": "Macaroni and cheese",
    "mexican saucessalsapicantee": "Salsa and picante sauce",
    "mexican soft tortillas and wra": "Soft tortillas and wraps",
    "tomatoes stewed diced crmd": "Canned tomatoes",
    "chix rotisserie": "Rotisserie chicken",
    "chix frd 8pc cut up": "Fried chicken, 8 pieces",
    "prep fd side dishes": "Hot side dish",
    "facial tissue paper handke": "Facial tissues",
    "fem hygn napkins": "Sanitary napkins",
    "fem hygn tampons": "Tampons",
    "garbage kitchen compactor ba": "Garbage bags",
    "malted mlk syrup pwdrs": "Malted milk and syrup",
    "plstc ctlrytblclthstthpksst": "Plastic cutlery and toothpicks",
    "mints candy breath": "Breath mints",
    "preserves jam marmalade": "Jam and marmalade",
    "vanilla wafer kids cookies": "Vanilla wafers",
    "tray pack choc chip cookies": "Chocolate chip cookies",
    "eggs large": "Large eggs",
    "eggs x large": "Extra large eggs",
    "eggs medium": "Medium eggs",
    "margarine stick": "Margarine sticks",
    "margarine tubs and bowls": "Margarine tub",
    "spaghetti dry": "Spaghetti",
    "macaroni dry": "Macaroni",
    "noodles dry": "Noodles",
    "corn yellow": "Yellow corn",
    "grapes red": "Red grapes",
    "grapes white": "White grapes",
    "tomatoes grape": "Grape tomatoes",
    "peppers green bell": "Green bell peppers",
    "peppers red bell": "Red bell peppers",
    "onions sweet": "Sweet onions",
    "onions white": "White onions",
    "onions yellow": "Yellow onions",
    "onions red": "Red onions",
    "apples gala": "Gala apples",
    "apples granny smith": "Granny Smith apples",
    "apples red delicious": "Red Delicious apples",
    "apples gold delicious": "Golden Delicious apples",
    "potatoes russet": "Russet potatoes",
    "potatoes red": "Red potatoes",
    "potatoes sweet yams": "Sweet potatoes and yams",
    "potatoes dry": "Instant potatoes",
    "carrots mini peeled": "Baby carrots",
    "oranges navels all": "Navel oranges",
    "cantaloupe whole": "Cantaloupe",
    "garlic whole cloves": "Garlic",
    "head lettuce": "Iceberg lettuce",
    "peaches yellow flesh": "Yellow peaches",
    "tomatoes hothouse on the vine": "Tomatoes on the vine",
    "tomatoes vine ripe bulk": "Vine-ripened tomatoes",
    "tomatoes vine ripe pkg": "Vine-ripened tomatoes, packed",
    "broccoli whole crowns": "Broccoli",
    "mushrooms w whole pkg": "Whole white mushrooms",
    "grnd patty frozen": "Frozen ground beef patties",
    "breast boneless": "Boneless chicken breast",
    "chicken breast boneless": "Boneless chicken breast",
    "chicken breast bone in": "Chicken breast on the bone",
    "chicken drums": "Chicken drumsticks",
    "whole chicken": "Whole chicken",
    "pudding gelatin cups cans": "Pudding and jelly cups",
    "baby food junior all brands": "Baby food, junior",
    "instore cut fruit": "Cut fruit",
    "solid stk deodorants": "Stick deodorant",
    "blended juice combinations": "Blended juice",
    "apple juice cider": "Apple juice and cider",
    "fruit drinks canned glass": "Fruit drink",
    "veg juice": "Vegetable juice",
    "croutons salad toppers bread": "Croutons and salad toppers",
    "vac pac nuts": "Nuts, vacuum packed",
    "sal salsa dps prpck": "Salsa and dips",
    "cough syrp lozng drp xpctrnt": "Cough syrup and drops",
    "mandarin oranges citrus sect": "Mandarin oranges",
    "women s general magazine": "Women's magazine",
    "tv movie magazine": "TV and film magazine",
    "drug gm": "Drugstore and general",
    "meat pckgd": "Packaged meat",
    "seafood pckgd": "Packaged seafood",
    "cntrl store sup": "Store supplies",
    "charitable cont": "Charitable contributions",
    "prod whs sales": "Produce warehouse sales",
    "gm merch exp": "General merchandise",
    "elect plumbing": "Electrical and plumbing",
    "ice cream milk sherbts": "Ice cream and sherbet",
    "pnt btr jelly jams": "Peanut butter, jelly and jam",
    "drug": "Drugstore",
    "fd wraps bags trsh bg": "Wraps and bags",
    "bag snacks": "Bagged snacks",
    "frzn novelties wtr ice": "Frozen treats",
    "peppers all": "Peppers",
    "rw fresh processed meat": "Fresh processed meat",
    "ndairy teas juice sod": "Chilled drinks",
    "snks ckys crkr cndy": "Snacks and sweets",
    "salad mix kits": "Salad kit",
}  # fmt: skip

#: Words that tills cut short.
WORDS = {
    "frzn": "frozen", "frz": "frozen", "sft": "soft", "drnk": "drink", "drnks": "drinks", "drnking": "drinking",
    "btl": "bottle", "btr": "butter", "pnt": "peanut", "veg": "vegetable", "chix": "chicken", "choc": "chocolate",
    "chick": "chicken", "dnr": "dinner", "dnrs": "dinners", "rts": "ready-to-serve", "rtd": "ready-to-drink",
    "pkg": "packaged", "pkgd": "packaged", "pckgd": "packaged", "refrgratd": "chilled", "refrig": "chilled",
    "refrigerated": "chilled", "sald": "salad", "sal": "salad", "drsng": "dressing", "sndwch": "sandwich",
    "sprd": "spread", "bkfst": "breakfast", "brkfst": "breakfast", "whlsm": "wholesome", "misc": "other",
    "crckr": "cracker", "crkr": "crackers", "cndy": "candy", "snk": "snack", "snks": "snacks", "ckys": "cookies",
    "bn": "beans", "pwdr": "powder", "pwdrs": "powders", "crystl": "crystal", "mx": "mix", "mxs": "mixes",
    "mixs": "mixes", "jce": "juice", "conc": "concentrate", "wtr": "water", "cleang": "cleaning", "hshld": "household",
    "tiss": "tissues", "whl": "whole", "wht": "white", "grn": "green", "bnls": "boneless", "sknls": "skinless",
    "brst": "breast", "grnd": "ground", "saus": "sausage", "supl": "supplies", "sply": "supplies",
    "suppplies": "supplies", "fd": "food", "prep": "prepared", "sw": "sweet", "gds": "goods", "shldr": "shoulder",
    "stk": "steak", "chp": "chops", "slc": "slices", "pkld": "pickled", "brd": "breaded", "cnd": "canned",
    "disposible": "disposable", "prem": "premium", "sup": "super", "flvrd": "flavored", "flvr": "flavor",
    "flav": "flavored",  "carb": "carbonated", "crbntd": "carbonated", "hygn": "hygiene",
    "fem": "feminine", "pk": "pack", "mlt": "multi", "sngl": "single", "sgl": "single", "srv": "serve", "sv": "serve",
    "ss": "single-serve", "appls": "apples", "acces": "accessories", "access": "accessories",
    "acc": "accessories", "syrp": "syrup", "deod": "deodorant", "supp": "supplement", "supplemen": "supplement",
    "nut": "nut", "protien": "protein", "specilaty": "specialty", "spec": "specialty", "sherbts": "sherbets",
    "sweetners": "sweeteners", "decaf": "decaffeinated", "coff": "coffee", "tom": "tomato", "swe": "sweet",
    "bev": "drinks", "preportnd": "portioned", "portion": "portion", "seafd": "seafood", "shlfsh": "shellfish",
    "rw": "raw", "wt": "weight", "ex": "", "exc": "", "incl": "", "including": "", "hbc": "health and beauty",
    "mw": "microwave", "otc": "", "jhook": "", "ppk": "packed", "prslc": "sliced", "presliced": "sliced",
    "cktls": "cocktails", "liqs": "liqueurs", "electronic": "electronic", "mens": "men's", "womens": "women's",
    "ladies": "women's", "kids": "kids'", "childrens": "children's", "nf": "fat-free", "lf": "low-fat",
    "coco": "cocoa", "trsh": "trash", "bg": "bags", "bkd": "baked", "dogfd": "dog food", "catfd": "cat food",
    "sprt": "sport", "memorablilia": "memorabilia", "accesories": "accessories", "cntrl": "control", "qsr": "",
}  # fmt: skip

PROPER = {
    word: word.capitalize()
    for word in (
        "american",
        "asian",
        "australian",
        "canadian",
        "christmas",
        "danish",
        "easter",
        "english",
        "french",
        "german",
        "greek",
        "halloween",
        "hispanic",
        "italian",
        "mexican",
        "oriental",
        "roma",
        "valentine",
        "worcestershire",
    )
} | {
    "bbq": "BBQ",
    "tv": "TV",
    "dvd": "DVD",
    "iqf": "",
    "vhs": "VHS",
    "nz": "NZ",
    "oj": "OJ",
    "worchester": "Worcestershire",
}

#: Words that say nothing without what they belong to.
VAGUE = {
    "adult", "all", "appetizers", "basic", "better", "blends", "bulk", "choice", "combo", "cooked", "dried",
    "economy", "enhanced", "enrobed", "family", "for", "fresh", "frozen", "garden", "half", "items", "jumbo",
    "kids", "kits", "large", "lean", "links", "mainstream", "meat", "medium", "miscellaneous", "mixed",
    "natural", "other", "patties", "pints", "plus", "popular", "premium", "primal", "raw", "regular", "ribs",
    "select", "sets", "single", "size", "small", "smoked", "specialty", "standard", "sticks", "super", "thick",
    "thin", "traditional", "trays", "value", "variety", "vegetables", "whole", "you",
}  # fmt: skip
#: Colons and dashes; a hyphen between two words too, but not in non-dairy, multi-pack, x-large, bone-in …
SEPARATORS = (
    r"\s*[:;]\s*|\s+-+\s*|-\s+|(?<!\bnon)(?<!multi)(?<!\bgift)(?<!\bself)(?<!\bbone)(?<!\bby)(?<!\bin)(?<!\bx)(?<!\bj)"
    r"(?<=[a-z])-(?=[a-z])"
)
FILLERS = {"and", "or", "&", "with", "of"}
UNITS = {
    "oz": "oz", "ozs": "oz", "z": "oz", "lb": "lb", "lbs": "lb", "gal": "gal", "ga": "gal", "ct": "ct", "pt": "pt",
    "qt": "qt", "ml": "ml", "l": "l", "ltr": "l", "lt": "l", "g": "g", "gm": "g", "kg": "kg", "dz": "dozen",
    "doz": "dozen", "pk": "pack", "fl": "fl", "in": "in", "ft": "ft", "sq": "sq", "cm": "cm", "yd": "yd",
    "pc": "pieces", "ea": "each", "ld": "loads", "lds": "loads", "load": "loads", "med": "medium",
}  # fmt: skip
LOOSE = {"ctn", "bulk", "case", "cs", "each", "ea", "per lb"}


def is_coded(text: str) -> bool:
    """Whether a name is spelled in capitals, as tills spell."""
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) > 2 and not any(letter.islower() for letter in letters)


def plain_name(text: str) -> str:
    """A coded name in sentence case with its codes resolved; any other name as it is."""
    text = " ".join(text.split())
    if not is_coded(text):
        return text
    lower = re.sub(r"\([^)]*\)?", " ", text.lower())  # what stands in brackets, also in one that was cut off
    lower = re.sub(r"\bw/\s*", "with ", lower)
    if said := PHRASES.get(_key(lower)) or PHRASES.get(_key(text.lower())):
        return said
    parts = (_part(part) for part in re.split(SEPARATORS, lower))
    name = ", ".join(part for part in parts if part)
    return name[:1].upper() + name[1:] if name else text.capitalize()


def _key(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", text).strip()


def _part(text: str) -> str:
    """The words between two separators; ``a/b/c`` is ``a, b and c``."""
    choices = [_words(choice) for choice in re.split(r"\s*[/&]\s*|\s+and\s+", text)]
    choices = list(dict.fromkeys(choice for choice in choices if choice))
    if len(choices) < 2:
        return "".join(choices)
    return f"{', '.join(choices[:-1])} and {choices[-1]}"


def _words(text: str) -> str:
    words = re.findall(r"[a-z0-9%'.]+(?:-[a-z0-9%']+)*", text)
    if len(words) > 1 and len(words[-1]) == 1 and words[-1].isalpha():
        words.pop()  # the first letter of a word that was cut off
    words = [word.strip(".") for word in words]
    said = (PROPER.get(word, WORDS.get(word, word)) for word in words)
    return " ".join(word for word in said if word)


def product_title(kind: str, category: str = "", size: str = "") -> str:
    """A title from type, category and package size: ``White milk · 20 oz``, ``Lean · Beef``.

    The category is named where the type alone says nothing (``PREMIUM``).
    """
    name = plain_name(kind) if kind else ""
    group = plain_name(category) if category else ""
    if not name:
        name = group
    elif group and _is_vague(name):
        name = (
            f"{name} {_lowered(group)}" if len(name.split()) == 1 and len(group) < 30 else f"{name}, {_lowered(group)}"
        )
    label = size_label(size)
    return f"{name} · {label}" if name and label and label != "loose" else name


def _is_vague(name: str) -> bool:
    words = set(re.findall(r"[a-z']+", name.lower())) - FILLERS
    return words <= VAGUE


def _lowered(name: str) -> str:
    return name if name[:2].isupper() or name.split()[0].lower() in PROPER else name[:1].lower() + name[1:]


def size_label(size: str) -> str:
    """A package size as people read it: ``20 OZ`` → ``20 oz``, ``12 CT`` → ``12 ct``, ``CTN`` → ``loose``."""
    text = re.sub(r"[()*]|\s+", " ", size.lower()).strip()
    if not text:
        return ""
    if text in LOOSE or "/cs" in text.replace(" ", ""):
        return "loose"
    text = re.sub(r"(?<=\d)(?=[a-z])", " ", text)
    text = re.sub(r"(?<![\d.])\.(?=\d)", "0.", text)
    text = re.sub(r"(?<=\d)\.0+(?=\s|$)", "", text)
    words = [UNITS.get(word.strip("."), word) for word in text.split()]
    return (
        " ".join(dict.fromkeys(words))
        if len(words) > 1
        else f"1 {words[0]}"
        if words[0] in UNITS.values()
        else words[0]
    )
