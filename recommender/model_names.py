"""What architectures and baselines are called: in the console, and in the verdicts of the gate."""

from __future__ import annotations

_ARCHITECTURES = {
    "deep": "Deep ranker",
    "textbook": "Textbook network",
    "wide_deep": "Wide and deep",
    "two_tower": "Two towers",
    "sequence": "Sequence encoder",
    "popularity": "Best sellers",
    "own_history": "Buy again",
    "item_knn": "Neighbours",
    "als": "ALS factors",
    "ease": "EASE",
    "content": "Content",
    "hybrid": "Hybrid",
    "plain": "Counts alone",
}
_BASELINES = {
    "serving": "What served then",  # asked again on the days of the run
    "popularity": "Best sellers, all time",
    "own_days": "Buy again, days bought",
    "item_knn_cosine": "Neighbours, cosine",
    "item_knn_tfidf": "Neighbours, TF-IDF",
    "item_knn_bm25": "Neighbours, BM25",
    "als": "ALS factors",
    "ease": "EASE",
}


def architecture_name(name: str) -> str:
    """``deep`` → ``Deep ranker``."""
    return _ARCHITECTURES.get(name, name.replace("_", " ").capitalize())


def baseline_name(name: str) -> str:
    """``own_decay_20d`` → ``Buy again, decay 20 days``."""
    for start, words in (("own_decay_", "Buy again, decay"), ("popularity_", "Best sellers,")):
        if name.startswith(start) and name.endswith("d"):
            return f"{words} {name.removeprefix(start)[:-1]} days"
    return _BASELINES.get(name, architecture_name(name))
