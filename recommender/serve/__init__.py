"""The one code path of every list: API, preview and export.

    one round trip to Redis → state → candidates → live scores → fallbacks in order → rules → diversity → answer

``answering`` walks it: ``request`` → ``case`` (what may be shown) → ``strategies`` (what is ranked, and the fallbacks)
→ ``for_rules`` → ``items`` (scores and reasons) → ``answer``.

NumPy only and no SQL, except for an answer as of a past time. A part that is ill shortens the path and is named
(``degraded``); somebody of whom nothing is known takes the placement's fallbacks, and the first that has anything is
named (``fallback``). The list is empty only where no product passes what was asked, and then it says so.
"""

from recommender.serve.answer import Answer, Item
from recommender.serve.answering import answer_for, recommend
from recommender.serve.request import Request
from recommender.serve.slots import BUILT_IN, UnknownPlacement

__all__ = ["BUILT_IN", "Answer", "Item", "Request", "UnknownPlacement", "answer_for", "recommend"]
