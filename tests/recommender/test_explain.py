"""Reasons: each code from planted facts, the chip's length, and the order of telling."""

from __future__ import annotations

import ast
import re
import unittest
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TypedDict, Unpack

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from recommender import explain
from recommender.engine.interactions import Interactions
from recommender.explain import Shopping, clip, reason
from tests.recommender.shelves import DAY, GOODS, NOW, goods

SHELF = goods()
KINDS = ("impression", "view", "cart", "purchase", "dismiss")
TITLES = ["White milk · 1 l", "Oat drink", "Butter", "Rye bread", "Rolls", "Apples · loose", "Pears", "Olive oil soap"]
TODAY = NOW / DAY
BOUGHT_TOGETHER = {"bread": "butter", "milk": "rolls"}
SIMILAR = {"milk": "oat-milk"}
NEXT = {"bread": "butter", "butter": "apples", "rolls": "oat-milk"}


def neighbours(items: np.ndarray, k: int, table: str) -> tuple[np.ndarray, np.ndarray]:
    of = {"bought_together": BOUGHT_TOGETHER, "similar": SIMILAR, "next": NEXT}[table]
    codes = np.full((len(items), k), -1)
    for row, item in enumerate(items):
        if name := of.get(SHELF.external_ids[item]):
            codes[row, 0] = SHELF.index[name]
    return codes, np.where(codes >= 0, 1.0, 0.0)


def no_neighbours(items: np.ndarray, k: int, table: str) -> tuple[np.ndarray, np.ndarray]:
    return np.full((len(items), 1), -1), np.zeros((len(items), 1))


class Fields(TypedDict, total=False):
    """What a request may say beside its events and anchors."""

    strategy: str
    trending: frozenset[int]
    shown: np.ndarray | None


def shopping(*events: tuple[str, str, float], anchors: tuple[str, ...] = (), **fields: Unpack[Fields]) -> Shopping:
    """Events as (kind, product, days ago), oldest first."""
    n = len(events)
    nothing = np.full(n, np.nan, dtype=np.float32)
    return Shopping(
        events=Interactions(
            shopper=np.zeros(n, dtype=np.int32),
            item=np.array([SHELF.index[product] for _, product, _ in events], dtype=np.int32),
            at=np.array([TODAY - ago for _, _, ago in events]),
            kind=np.array([KINDS.index(kind) for kind, _, _ in events], dtype=np.int8),
            quantity=np.ones(n, dtype=np.float32),
            price=nothing,
            value=nothing,
        ),
        kinds=KINDS,
        now=TODAY,
        shelf=SHELF,
        titles=TITLES,
        neighbours=neighbours,
        anchors=SHELF.codes_of(anchors),
        **fields,
    )


def why(product: str, case: Shopping) -> explain.Reason:
    found = reason(SHELF.index[product], case)
    assert len(found.chip) <= explain.CHIP, found.chip
    return found


class ReasonTests(unittest.TestCase):
    def test_bought_often(self) -> None:
        found = why("bread", shopping(*(("purchase", "bread", ago) for ago in (28, 19, 10, 1))))
        self.assertEqual((found.code, found.text, found.chip),
                         ("bought_often", "You buy this about every 9 days", "Buys bread often"))  # fmt: skip
        self.assertEqual(len(found.evidence), 3)
        self.assertRegex(str(found.evidence[0]), r"^purchase bread at \d{4}-\d\d-\d\dT")

    def test_due_again(self) -> None:
        found = why("bread", shopping(*(("purchase", "bread", ago) for ago in (36, 27, 18, 9))))
        self.assertEqual((found.code, found.chip), ("due_again", "Due again, every 9 days"))

    def test_bought_before(self) -> None:
        self.assertEqual(why("bread", shopping(("purchase", "bread", 3))).text, "You bought this before")
        self.assertEqual(
            why("bread", shopping(("purchase", "bread", 9), ("purchase", "bread", 3))).text,
            "You bought this 3 days ago",
        )

    def test_untimed_purchases_have_no_rhythm(self) -> None:
        untimed = shopping(*(("purchase", "bread", TODAY) for _ in range(4)))
        found = why("bread", untimed)
        self.assertEqual((found.code, found.chip), ("bought_before", "Bought 4 times before"))
        self.assertEqual(str(found.evidence[0]), "purchase bread")

    def test_noticed_but_not_bought(self) -> None:
        self.assertEqual(
            why("soap", shopping(("view", "soap", 2), ("view", "soap", 1))).text, "You looked at this 2 times"
        )
        self.assertEqual(why("soap", shopping(("view", "soap", 2), ("cart", "soap", 1))).code, "cart")

    def test_goes_with_what_was_touched(self) -> None:
        found = why("butter", shopping(("purchase", "bread", 2)))
        self.assertEqual((found.code, found.chip), ("goes_with", "Goes with rye bread"))
        self.assertEqual([str(fact).split(" at ")[0] for fact in found.evidence], ["goes with bread", "purchase bread"])

    def test_comes_after_what_was_just_touched(self) -> None:
        found = why("apples", shopping(("purchase", "butter", 2)))
        self.assertEqual((found.code, found.chip), ("follows", "Often after butter"))
        self.assertEqual(found.text, "Often chosen right after butter, which you chose")
        self.assertEqual(found.told, "Often chosen right after butter, which they chose")
        self.assertEqual(
            [str(fact).split(" at ")[0] for fact in found.evidence], ["comes after butter", "purchase butter"]
        )
        # What goes with it says more, what is like it less; only the very latest count.
        self.assertEqual(why("butter", shopping(("purchase", "bread", 2))).code, "goes_with")
        self.assertEqual(why("oat-milk", shopping(("view", "milk", 2), ("view", "rolls", 1))).code, "follows")
        earlier = shopping(*(("view", name, 1) for name in ("rolls", "milk", "soap", "bread")))
        self.assertEqual(why("oat-milk", earlier).code, "similar_to")

    def test_similar_to_what_was_touched(self) -> None:
        self.assertEqual(why("oat-milk", shopping(("view", "milk", 2))).chip, "Resembles white milk")

    def test_the_product_on_the_page_comes_first(self) -> None:
        case = shopping(("purchase", "butter", 2), anchors=("bread",), strategy="bought_together")
        self.assertEqual(why("butter", case).text, "Often bought with rye bread")
        similar = shopping(anchors=("milk",), strategy="similar")
        self.assertEqual(why("oat-milk", similar).text, "Similar to white milk")

    def test_category_brand_trending_popular(self) -> None:
        self.assertEqual(why("pears", shopping(("view", "apples", 2))).chip, "Shops produce often")
        varied = shopping(*(("view", name, 1) for name in ("milk", "butter", "milk", "soap", "apples")))
        alone = replace(varied, neighbours=no_neighbours, trending=frozenset({SHELF.index["rolls"]}))
        self.assertEqual(why("rolls", alone).code, "trending")
        self.assertEqual(why("rolls", shopping()).code, "popular")

    def test_impressions_and_dismissals_are_no_reason(self) -> None:
        self.assertEqual(why("soap", shopping(("impression", "soap", 1), ("dismiss", "soap", 1))).code, "popular")

    def test_by_rule(self) -> None:
        self.assertEqual(explain.by_rule("Autumn fruit", "pin").chip, "Pinned by Autumn fruit")

    def test_every_product_has_a_reason(self) -> None:
        case = shopping(("purchase", "bread", 2))
        found = [reason(item, case) for item in range(len(GOODS))]
        self.assertEqual(len(found), len(GOODS))
        self.assertTrue(all(r.text and r.chip for r in found))


class ToldTests(unittest.TestCase):
    """What the shopper is told as "you", the merchandiser is told as "they"."""

    def test_every_sentence_that_speaks_to_the_shopper(self) -> None:
        often = shopping(*(("purchase", "bread", ago) for ago in (28, 19, 10, 1)))
        self.assertEqual(why("bread", often).told, "They buy this about every 9 days")
        cases = [
            why("bread", shopping(("purchase", "bread", 3))),
            why("bread", shopping(("purchase", "bread", 9), ("purchase", "bread", 3))),
            why("soap", shopping(("view", "soap", 2))),
            why("soap", shopping(("cart", "soap", 1))),
            why("butter", shopping(("purchase", "bread", 2))),
            why("oat-milk", shopping(("view", "milk", 2))),
            why("pears", shopping(("view", "apples", 2))),
            explain.by_rule("Autumn fruit", "pin"),
            explain.Reason("favourite", "One of your favourites", ""),
        ]
        for found in cases:
            self.assertNotEqual(found.told, found.text)
            self.assertNotRegex(found.told.lower(), r"\byou(r)?\b")
        self.assertEqual(cases[4].told, "Goes with rye bread, which they chose")

    def test_the_api_goes_on_speaking_to_the_shopper(self) -> None:
        found = why("bread", shopping(("purchase", "bread", 3)))
        self.assertEqual(found.to_dict()["text"], "You bought this before")

    def test_a_name_that_says_you_stays(self) -> None:
        found = explain.Reason("goes_with", "Goes with thank you card, which you chose", "")
        self.assertEqual(found.told, "Goes with thank you card, which they chose")

    def test_no_text_says_you_where_it_is_not_turned(self) -> None:
        literals = [
            node.value
            for file in Path(explain.__file__).parent.glob("*.py")
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and not node.value.endswith("$")
        ]
        speaking = [text for text in literals if re.match(r"^(You|One of your|Picked for you|, which you)\b", text)]
        self.assertGreater(len(speaking), 6)
        for text in speaking:
            self.assertNotRegex(explain.Reason("", text, "").told, r"\b[Yy]ou(r)?\b")


class WordsTests(unittest.TestCase):
    @given(st.text(min_size=1, max_size=80))
    def test_a_chip_never_grows_beyond_its_room(self, name: str) -> None:
        self.assertLessEqual(len(clip("Goes with ", explain.short(name))), explain.CHIP)

    def test_cut_at_a_word(self) -> None:
        self.assertEqual(clip("Goes with ", "chicken breast boneless"), "Goes with chicken breast…")


class ContributionTests(unittest.TestCase):
    def test_sorted_with_what_held_it_back_last(self) -> None:
        explanation = SimpleNamespace(
            groups=("own", "popularity", "lift_of_age"), contributions=np.array([[0.5, -0.2, 0.7]])
        )
        found = explain.contributions(explanation, 0)
        self.assertEqual([c.group for c in found], ["lift_of_age", "own", "popularity"])
        self.assertEqual(found[0].words, "Lift of age")
