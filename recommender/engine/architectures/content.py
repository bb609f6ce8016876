"""Content-based: items like those the shopper had, by attributes and words alone, so that an item
nobody has bought yet can be recommended too (Pazzani & Billsus 2007)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize

from recommender.engine.architectures import counts
from recommender.engine.config import Config
from recommender.engine.interactions import Codes, Histories, Items, Kinds, ShopData

#: Quantiles of the price that serve as one attribute.
PRICE_BANDS = 8
#: Words kept, the most frequent ones; a word in more than this share of the titles says nothing.
WORDS = 5000
COMMON_WORD = 0.2


@dataclass(frozen=True)
class Content:
    """``profiles`` CSR float32 [n_items, D], rows of length 1 (or 0: nothing is known of it)."""

    profiles: sparse.csr_matrix
    kinds: Kinds
    days: float

    def score_all(self, histories: Histories, now: float) -> np.ndarray:
        """float32 [S, n_items]: cosine of the item with the sum of the shopper's items, recent
        ones weighing more; −inf where they share nothing."""
        n_items = self.profiles.shape[0]
        own = counts.history_matrix(histories, self.kinds, n_items, now=now, days=self.days)
        # → [S, D]
        taste = normalize(own @ self.profiles)
        return counts.no_opinion((taste @ self.profiles.T).toarray().astype(np.float32))


def fit(data: ShopData, now: float, config: Config, rng: np.random.Generator, *, days: float = 60.0) -> Content:
    """Each attribute value weighs log(n_items / items that have it), each word its TF-IDF; the
    attributes together and the words together weigh the same."""
    parts = [_attributes(data.items)]
    if data.items.texts is not None and any(data.items.texts):
        parts.append(_words(data.items.texts))
    profiles = normalize(sparse.hstack(parts, format="csr", dtype=np.float32))
    return Content(sparse.csr_matrix(profiles, dtype=np.float32), data.kinds, days)


def _attributes(items: Items) -> sparse.csr_matrix:
    """CSR [n_items, values of all attributes], rows of length 1."""
    columns = [_one_hot(attribute) for attribute in items.attributes.values()]
    columns.append(_one_hot(price_bands(items.price)))
    joined = sparse.hstack(columns, format="csr", dtype=np.float64)
    frequency = np.maximum(np.asarray(joined.sum(0)).ravel(), 1)
    # The value that every item has weighs nothing.
    weighted = joined @ sparse.diags(np.log(max(items.n, 1) / frequency))
    return normalize(sparse.csr_matrix(weighted))


def _one_hot(attribute: Codes) -> sparse.csr_matrix:
    row = np.flatnonzero(attribute.codes >= 0)
    shape = (len(attribute.codes), max(attribute.size, 1))
    return sparse.csr_matrix((np.ones(len(row)), (row, attribute.codes[row])), shape=shape)


def price_bands(price: np.ndarray) -> Codes:
    """Prices [n] by quantile; −1 where unknown."""
    known = np.isfinite(price)
    if not known.any():
        return Codes(np.full(len(price), -1, np.int32), ())
    edges = np.unique(np.quantile(price[known], np.linspace(0, 1, PRICE_BANDS + 1)[1:-1]))
    codes = np.where(known, np.searchsorted(edges, price, "right"), -1).astype(np.int32)
    return Codes(codes, tuple(f"band {band}" for band in range(len(edges) + 1)))


def _words(texts: tuple[str, ...]) -> sparse.csr_matrix:
    """CSR [n_items, words] TF-IDF, rows of length 1."""
    # On a handful of titles no word can be called common.
    share = COMMON_WORD if len(texts) >= 50 else 1.0
    vectoriser = TfidfVectorizer(max_features=WORDS, max_df=share, min_df=1, sublinear_tf=True)
    try:
        return sparse.csr_matrix(vectoriser.fit_transform(texts))
    except ValueError:
        # No word is left: all too common, or none at all.
        return sparse.csr_matrix((len(texts), 1))
