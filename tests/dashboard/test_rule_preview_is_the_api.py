"""Whatever the rules are, the editor's list with a draft is the API's once the draft is live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from recommender import rulebook, serve, state, steering
from recommender.rulebook import Wording
from recsite.dashboard import rule_forms
from recsite.dashboard.pages import rule as page
from recsite.dashboard.queries import rules as queries
from recsite.dashboard.rule_forms import read
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.goods import make_history, make_products, make_shoppers

WORDINGS = st.builds(
    Wording,
    name=st.just("Any"),
    verb=st.sampled_from(["pin", "boost", "bury", "exclude", "only", "spread"]),
    condition=st.sampled_from(
        [{"products": ["p20"]}, {"categories": ["Drinks > Tea"]}, {"brands": ["Brand 1"]}, {"price_max": 12}]
    ),
    parameters=st.integers(1, 3).map(lambda position: {"position": position, "strength": "strong", "limit": 2}),
    placements=st.sampled_from([(), ("home",), ("similar",)]),
    starts_at=st.sampled_from([None, datetime(2026, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)]),
)


class PropertyTest(HypothesisCase):
    """Whatever the rules are, the editor's list is the API's."""

    @classmethod
    def setUpTestData(cls) -> None:
        make_history(make_shoppers(4), make_products(24), weeks=3)

    def setUp(self) -> None:
        open_new_shop(self)
        steering.publish()
        state.forget()

    @settings(max_examples=25, deadline=None)
    @given(st.lists(WORDINGS, max_size=3), WORDINGS, st.sampled_from([None, "s0", "s1"]))
    def test_the_preview_with_a_draft_is_the_apis_list_once_it_is_live(
        self, live: list[Wording], draft: Wording, shopper: str | None
    ) -> None:
        rules = [rulebook.create(wording=wording, by=None, live=True) for wording in live]
        shop = read_shop()
        form = rule_forms.form_of(draft, shop.zone, seen=0)
        at = datetime.now(UTC) + timedelta(days=1)
        trial = {"at": at.isoformat(), **({"shopper": shopper} if shopper else {}), "placement": "home"}
        made = page.build(form, trial, shop, permissions=frozenset())
        shown = [card.key for card in made.trial.tiles.cards] if made.trial.tiles else []
        wording, _ = read(form, shop.zone)
        rules.append(rulebook.create(wording=wording, by=None, live=True))
        steering.publish()
        self.assertEqual(shown, self.ask(shopper, at))
        # Taking it back restores the list without it.
        without = [rule for rule in queries.compiled_of(rules) if rule.id != rules[-1].pk]
        rulebook.undo(rule_id=rules[-1].pk, version=rules[-1].version, by=None)
        steering.publish()
        request = serve.Request(shopper=shopper, as_of=at, record=False, rules=tuple(without))
        self.assertEqual(self.ask(shopper, at), [item.product for item in serve.recommend(request).items])

    def ask(self, shopper: str | None, at: datetime) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(shopper=shopper, as_of=at, record=False)).items]
