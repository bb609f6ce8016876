"""Why this product: a reason in words, the events and products that bear it out, what each group of features added.

A reason is read off facts – the shopper's own events with the product, which of the products they touched it
neighbours, which of their categories it is in – in a fixed order of how telling they are (``why``); it is never a guess
about the network. How much each group of features moved the score is the ranker's own account (``Ranker.explain``, by
leaving a group out) and is shown beside it (``groups``).
"""

from recommender.explain.facts import Fact, Reason
from recommender.explain.groups import Contribution, contributions
from recommender.explain.shopping import Neighbours, Shopping
from recommender.explain.why import by_rule, reason
from recommender.explain.words import CHIP, clip, short

__all__ = [
    "CHIP",
    "Contribution",
    "Fact",
    "Neighbours",
    "Reason",
    "Shopping",
    "by_rule",
    "clip",
    "contributions",
    "reason",
    "short",
]
