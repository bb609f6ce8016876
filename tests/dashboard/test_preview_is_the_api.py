"""The preview's list is the list that the API answers over HTTP for the same input, whatever that is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisCase

from behavior.models import Shopper
from catalog.models import Product
from recommender import rulebook, state, steering
from recommender.models import Placement
from recommender.rulebook import Wording
from recsite.dashboard.pages import preview as page
from recsite.dashboard.shop import read_shop
from recsite.testing import open_new_shop
from tests.api.doors import Caller, read, start_afresh
from tests.goods import NEWEST, make_event, make_history, make_products, make_shoppers

NOW = datetime.now(UTC)
CONDITIONS = (
    {"products": ["p20"]},
    {"products": ["p7"]},  # out of stock
    {"categories": ["Drinks > Tea"]},
    {"brands": ["Brand 1"]},
    {"price_max": 12},
)
WORDINGS = st.builds(
    Wording,
    name=st.just("Any"),
    verb=st.sampled_from(["pin", "boost", "bury", "exclude", "only", "spread"]),
    condition=st.sampled_from(CONDITIONS),
    parameters=st.builds(
        lambda position, limit, by: {"position": position, "strength": "strong", "limit": limit, "by": by},
        st.integers(1, 4),
        st.integers(1, 3),
        st.sampled_from(["brand", "category"]),
    ),
    placements=st.sampled_from([(), (), ("home",), ("similar", "basket")]),
    segments=st.sampled_from([(), (), ("loyal",)]),
    starts_at=st.sampled_from([None, None, NOW - timedelta(days=3), NOW + timedelta(days=3)]),
    ends_at=st.sampled_from([None, None, NOW + timedelta(days=9)]),
    priority=st.integers(1, 3),
)
SUBJECTS = st.sampled_from([{}, {"shopper": "s0"}, {"shopper": "s3"}, {"visitor": "v1"}])
ANCHORS = st.sampled_from([{}, {"product": "p3"}, {"product": "p7"}])
MOMENTS = st.sampled_from([None, NOW - timedelta(days=2), NEWEST - timedelta(days=10), NOW + timedelta(days=4)])


class PreviewIsTheApiTest(HypothesisCase):
    @classmethod
    def setUpTestData(cls) -> None:
        products = make_products(24)
        Product.objects.filter(external_id="p7").update(stock=0)
        make_history(make_shoppers(4), products, weeks=3)
        visitor = Shopper.objects.create(kind=Shopper.Kind.VISITOR, external_id="v1")
        make_event(visitor, products[5], type="view")
        cls.placements = list(Placement.objects.values_list("slug", flat=True))

    placements: list[str]

    def setUp(self) -> None:
        start_afresh()
        open_new_shop(self)
        steering.publish()
        state.forget()
        self.key = Caller()

    @settings(max_examples=60, deadline=None)
    @given(st.data(), st.lists(WORDINGS, max_size=4), SUBJECTS, ANCHORS, MOMENTS)
    def test_same_input_same_list(
        self,
        data: st.DataObject,
        wordings: list[Wording],
        subject: dict[str, str],
        anchor: dict[str, str],
        at: datetime | None,
    ) -> None:
        for wording in wordings:
            rulebook.create(wording=wording, by=None, live=True)
        steering.publish()
        asked = {"placement": data.draw(st.sampled_from(self.placements)), **subject, **anchor}
        shown = page.build(
            {**asked, **({"at": at.isoformat()} if at else {})}, read_shop(), permissions=frozenset(), host=""
        )
        assert shown.single
        query = {**asked, "record": "false", "explain": "true", **({"as_of": at.isoformat()} if at else {})}
        answer = self.key.get(f"recommendations?{urlencode(query)}")
        self.assertEqual(answer.status_code, 200, answer.content)
        items = read(answer)["items"]
        self.assertEqual([card.key for card in shown.single.cards], [item["product"] for item in items])
        self.assertNotIn("p7", [item["product"] for item in items])  # out of stock: a pin brings it nowhere
