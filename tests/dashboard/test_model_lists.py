"""Two models' lists side by side on the page that compares them."""

from __future__ import annotations

from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recsite.dashboard import roles
from recsite.dashboard.pages import model_lists as page
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.runs import make_run
from tests.recommender.test_comparing import store_lists
from tests.recommender.test_publish import PublishCase


class ListsTest(PublishCase):
    def setUp(self) -> None:
        super().setUp()
        cache.clear()
        self.client.force_login(make_person(roles.ADMIN))
        ten = list(range(10))
        self.a = store_lists({"s:s0": ten, "s:s1": ten, "s:s2": ten}, run=make_run())
        self.b = store_lists({"s:s0": ten, "s:s1": [*range(1, 11)], "s:s2": list(range(10, 20))}, run=make_run())
        self.address = reverse("model-compare") + f"?a={self.a.pk}&b={self.b.pk}"

    def test_overlap_and_the_lists_of_a_shopper_with_moves(self) -> None:
        found = page.build(self.a, self.b, ("1.live", "2.live"), {"list": "0.5"})
        assert found.stats is not None
        assert found.both is not None
        assert found.choice is not None
        self.assertEqual(found.stats.stats[0].value, "63.3")
        self.assertEqual(found.stats.stats[2].value, "33.3")
        self.assertEqual(found.shopper, "Shopper s1")
        left, right = (side.tiles.cards for side in (found.both.a, found.both.b))
        self.assertEqual(left[0].move and left[0].move.kind, "leaves")
        self.assertEqual([card.move and card.move.kind for card in right], ["up"] * 9 + ["new"])
        self.assertEqual([segment.current for segment in found.choice.items], [False, True, False])
        self.assertIn("shopper=s1", found.actions[0].href)

    def test_the_page(self) -> None:
        answer = self.client.get(self.address)
        self.assertContains(answer, "How far their lists agree")
        self.assertContains(answer, "Least alike")
        self.assertNotContains(answer, "moved by a rule")
        self.assertContains(self.client.get(f"{self.address}&list=odd"), "Shopper s1")

    def test_a_model_without_stored_lists(self) -> None:
        bare = make_run()
        answer = self.client.get(reverse("model-compare"), {"a": str(self.a.pk), "b": str(bare.pk)})
        self.assertContains(answer, "Their lists cannot be compared")
        self.assertNotContains(answer, "Least alike")

    def test_the_queries_do_not_grow_with_the_lists(self) -> None:
        def count() -> int:
            with CaptureQueriesContext(connection) as seen:
                self.client.get(self.address)
            return len(seen)

        with stopped_clock():
            count()
            few = count()
            more = {f"s:s{number}": list(range(number % 9, number % 9 + 10)) for number in range(30)}
            store_lists(more, run=self.a)
            store_lists(more, run=self.b)
            self.assertEqual(count(), few)
