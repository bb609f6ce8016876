"""What each strategy of a placement ranks, and how strategy and fallbacks fill a list."""

from __future__ import annotations

import numpy as np

from recommender.ranked import Ranked, distinct
from recommender.serve.case import Case

ENOUGH = 100  # ranked before rules look at them, beyond what was asked for
FEW = 10  # more than was asked for: with less beyond it a strategy does not stand alone
NEIGHBOURS = 100
BOUGHT = 500  # different products, at most, of those somebody may buy again


class Strategies:
    """The strategies over one ``case``. ``scored``: whatever the ranker has scored on the way, by ascending item.

    ``personal``: the subject's ranking out of a batch, made already.
    """

    def __init__(self, case: Case, personal: Ranked | None) -> None:
        self.case, self.subject, self.personal = case, case.subject, personal
        self.scored: list[Ranked] = []

    def ranked(self) -> tuple[Ranked, str | None]:
        """Strategy and fallbacks, one behind the other, until there is enough; and which fallback began the list."""
        own, n, allowed = self.case.slot.strategy, self.case.n, self.case.allowed
        ranked, began = Ranked.unscored(), None
        for name in dict.fromkeys((own, *self.case.slot.fallbacks, "popular")):
            found = self._by(name, n + ENOUGH)
            fresh = allowed[found.items]
            if len(ranked):
                fresh &= ~np.isin(found.items, ranked.items)
            if fresh.any() and began is None:
                began = name
            ranked = ranked.then(found.take(fresh))
            if len(ranked) >= n and (name != own or len(ranked) >= n + FEW):
                break
        if len(ranked) < n:  # never empty while there is a product to sell
            more = self.case.best_sellers(n - len(ranked), self.case.besides(ranked.items))
            ranked = ranked.then(Ranked.unscored(more))
            began = began or ("popular" if len(more) else None)
        return ranked, None if began == own else began

    def by_score(self, items: np.ndarray) -> Ranked:
        """Those of ``items`` that are allowed by the ranker's score, best first."""
        if self.subject is None:
            return Ranked.unscored()
        items = np.sort(items[self.case.allowed[items]])
        scored = Ranked(items, self.subject.score(items))
        self.scored.append(scored)
        return scored.take(np.argsort(-scored.scores, kind="stable"))  # NaN last, equals by item

    def _by(self, name: str, k: int) -> Ranked:
        """About ``k`` products by the strategy of this name."""
        match name:
            case "personal":
                return self._personal()
            case "similar":
                return self._near("similar", k)
            case "bought_together" | "basket":
                return self._near("bought_together", k)
            case "trending":
                return self._common("trend", k)
            case "popular":
                return self._common("popularity", k)
            case "buy_again":
                return self._buy_again()
            case "recently_viewed":
                return self._recently_viewed(k)
        raise KeyError(name)

    def _personal(self) -> Ranked:
        if self.personal is not None:
            self.scored.append(self.personal.take(np.argsort(self.personal.items)))
            return self.personal
        if self.subject is None or not self.subject.known:
            return Ranked.unscored()
        return self.by_score(self.subject.candidates())

    def _near(self, table: str, k: int) -> Ranked:
        """Neighbours of the anchors, their weights added up."""
        if self.subject is None:
            return Ranked.unscored()
        ranker = self.subject.model.ranker
        anchors = self.case.anchors[self.case.anchors < ranker.n_items]
        if not len(anchors):
            return Ranked.unscored()
        codes, weights = ranker.neighbours(anchors, NEIGHBOURS, table=table)
        real = codes.ravel() >= 0
        items, place = np.unique(codes.ravel()[real].astype(np.int64), return_inverse=True)
        total = np.bincount(place, weights.ravel()[real], minlength=len(items))
        order = np.lexsort((items, -total))[:k]
        # By weight and not by chance: rules move these by the spread of the weights.
        return Ranked(items[order], total[order].astype(np.float32))

    def _common(self, column: str, k: int) -> Ranked:
        """The same for everybody: what sells lately, or at all. Behind what the model says, what the shop counts."""
        order = self.case.ranking(column)
        if self.subject is not None:
            order = np.concatenate([order, self.case.catalogue.ranking(column)])
        return Ranked.unscored(distinct(order[self.case.allowed[order]])[:k])

    def _buy_again(self) -> Ranked:
        """What was bought before."""
        if self.subject is None:
            return Ranked.unscored()
        bought = self.subject.of_kind("purchase")
        return self.by_score(bought[:BOUGHT]) if len(bought) else Ranked.unscored()

    def _recently_viewed(self, k: int) -> Ranked:
        if self.subject is None:
            return Ranked.unscored()
        return Ranked.unscored(self.subject.of_kind("view", "click", "cart", "favourite", "rate")[:k])
