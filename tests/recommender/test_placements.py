"""Placements as people set them up: what may stand, and that serving goes by it from the next answer on."""

from __future__ import annotations

import unittest
from dataclasses import replace

from django.test import TestCase

from recommender import placements, serve, state, steering
from recommender.models import Placement
from recommender.placements import Changed, Refused, Setup, setup_of
from recsite.testing import open_new_shop
from tests.goods import make_products

BREAKFAST = Setup("Breakfast", "popular", n=4, filters={"category": ["Drinks > Tea"]}, fallbacks=("trending",))


class SetupTests(unittest.TestCase):
    def test_kept_as_json_and_read_back(self) -> None:
        self.assertEqual(Setup.from_dict(BREAKFAST.to_dict()), BREAKFAST)

    def test_what_cannot_stand_is_named_field_by_field(self) -> None:
        for field, setup in {
            "title": replace(BREAKFAST, title="  "),
            "strategy": replace(BREAKFAST, strategy="magic"),
            "n": replace(BREAKFAST, n=101),
            "fallbacks": replace(BREAKFAST, fallbacks=("trending", "trending")),
            "filters": replace(BREAKFAST, filters={"price_min": "cheap"}),
        }.items():
            with self.assertRaises(Refused) as caught:
                placements.check(setup)
            self.assertEqual(list(caught.exception.errors), [field])
        with self.assertRaises(Refused):
            placements.check(replace(BREAKFAST, fallbacks=("popular",)))  # its own strategy
        with self.assertRaises(Refused):
            placements.check(replace(BREAKFAST, filters={"price_min": 5, "price_max": 1}))

    def test_names_for_the_api(self) -> None:
        for slug in ("", "Two Words", "ümlaut", "a--b", "new", "x" * 65):
            with self.assertRaises(Refused, msg=slug):
                placements.check(BREAKFAST, slug=slug)
        placements.check(BREAKFAST, slug="breakfast-2")


class WritingTests(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        make_products(12)
        steering.publish()
        state.forget()

    def ids(self, slug: str) -> list[str]:
        return [item.product for item in serve.recommend(serve.Request(placement=slug, record=False)).items]

    def create(self) -> Placement:
        with self.captureOnCommitCallbacks(execute=True):
            return placements.create(slug="breakfast", setup=BREAKFAST)

    def test_a_new_one_is_served_at_once_under_its_name(self) -> None:
        with self.assertRaises(serve.UnknownPlacement):
            self.ids("breakfast")
        self.create()
        found = self.ids("breakfast")
        self.assertEqual(len(found), 4)
        self.assertTrue(all(int(one[1:]) % 2 == 0 for one in found), found)  # tea alone

    def test_a_change_is_served_at_once_and_is_put_back_by_the_setup_before(self) -> None:
        self.create()
        before = setup_of(Placement.objects.get(slug="breakfast"))
        served = self.ids("breakfast")
        with self.captureOnCommitCallbacks(execute=True):
            placements.change(slug="breakfast", setup=replace(BREAKFAST, n=2, filters={"price_min": 11}))
        self.assertEqual(sorted(self.ids("breakfast")), ["p10", "p11"])
        with self.captureOnCommitCallbacks(execute=True):
            placements.change(slug="breakfast", setup=before)
        self.assertEqual(self.ids("breakfast"), served)

    def test_switched_off_the_api_knows_it_no_more(self) -> None:
        self.create()
        with self.captureOnCommitCallbacks(execute=True):
            placements.change(slug="breakfast", setup=replace(BREAKFAST, is_active=False))
        with self.assertRaises(serve.UnknownPlacement):
            self.ids("breakfast")

    def test_nothing_is_published_before_the_commit(self) -> None:
        with self.captureOnCommitCallbacks() as waiting:
            placements.create(slug="breakfast", setup=BREAKFAST)
        self.assertEqual(len(waiting), 1)
        with self.assertRaises(serve.UnknownPlacement):
            self.ids("breakfast")

    def test_a_change_of_nothing_writes_nothing(self) -> None:
        made = self.create()
        with self.captureOnCommitCallbacks() as waiting:
            after = placements.change(slug="breakfast", setup=BREAKFAST)
        self.assertEqual((after.updated_at, waiting), (made.updated_at, []))

    def test_who_was_slower_is_told(self) -> None:
        made = self.create()
        placements.change(slug="breakfast", setup=replace(BREAKFAST, n=7))
        with self.assertRaises(Changed) as caught:
            placements.change(slug="breakfast", setup=BREAKFAST, seen=made.updated_at)
        self.assertEqual(caught.exception.placement.n, 7)

    def test_a_name_is_taken_once(self) -> None:
        self.create()
        with self.assertRaises(Refused):
            placements.create(slug="breakfast", setup=BREAKFAST)

    def test_own_ones_can_be_deleted_built_in_ones_not(self) -> None:
        self.create()
        with self.captureOnCommitCallbacks(execute=True):
            self.assertEqual(placements.delete(slug="breakfast"), BREAKFAST)
        with self.assertRaises(serve.UnknownPlacement):
            self.ids("breakfast")
        with self.assertRaises(Refused):
            placements.delete(slug="home")

    def test_the_last_that_is_on_stays_on(self) -> None:
        self.create()
        Placement.objects.exclude(slug="breakfast").update(is_active=False)
        with self.assertRaises(Refused):
            placements.change(slug="breakfast", setup=replace(BREAKFAST, is_active=False))
        with self.assertRaises(Refused):
            placements.delete(slug="breakfast")

    def test_a_preview_goes_by_the_slot_that_it_is_given(self) -> None:
        slot = replace(BREAKFAST, filters={"brand": "Brand 1"}).slot("not-yet")
        request = serve.Request(placement="not-yet", slot=slot, record=False)
        found = [item.product for item in serve.recommend(request).items]
        self.assertEqual({int(one[1:]) % 3 for one in found}, {1})
        with self.assertRaises(serve.UnknownPlacement):
            self.ids("not-yet")
