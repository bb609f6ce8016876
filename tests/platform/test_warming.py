"""What a web process does before anybody asks: a first page counts nothing, nothing is left behind, nobody waits."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import TestCase, override_settings

from recommender import state
from recommender.models import ServedList
from recsite import warming
from recsite.bench import page_addresses
from recsite.dashboard import roles
from recsite.dashboard.kept import Kept
from recsite.dashboard.models import AuditEntry
from recsite.testing import CommittedCase, open_new_shop
from tests.api.doors import Caller, start_afresh
from tests.api.test_patience import frozen
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import make_person
from tests.dashboard.test_lists import make_profile
from tests.goods import make_history, make_products, make_shoppers


def forget_counts() -> None:
    """As in a process that has just started."""
    gc.unfreeze()
    for kept in gc.get_objects():
        if issubclass(type(kept), Kept):  # isinstance would wake what is lazy
            kept._entries.clear()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The names of what is counted for a page that waits for it."""
    names: list[str] = []
    original = Kept.again

    def again(kept: Kept[Any], make: Any, key: Any = None) -> Any:
        names.append(kept.name)
        return original(kept, make, key)

    with mock.patch.object(Kept, "again", again):
        yield names


class WarmCase(TestCase):
    def setUp(self) -> None:
        open_new_shop(self)
        self.addCleanup(forget_counts)
        pause = mock.patch.object(warming, "PAUSE", 0)
        pause.start()
        self.addCleanup(pause.stop)

    def fill(self) -> None:
        shoppers = make_shoppers(3)
        make_history(shoppers, make_products(12), weeks=8)
        for shopper in shoppers:
            make_profile(shopper)
        forget_counts()


@override_settings(KEEP_COUNTS=True)
class PagesTest(WarmCase):
    @stopped_clock()
    def test_the_first_to_ask_waits_for_no_count(self) -> None:
        self.fill()
        self.client.force_login(make_person(roles.ADMIN))
        with counted() as cold:
            self.client.get("/")
        self.assertIn("product sales", cold)
        forget_counts()
        self.assertTrue(warming.warm_console())
        kinds = {**page_addresses.for_merchandisers(), **page_addresses.for_admins()}
        for address in [some[0] for some in kinds.values()]:
            with self.subTest(address=address), counted() as waited:
                self.assertEqual(self.client.get(address, follow=True).status_code, 200)
                self.assertEqual(set(waited) - {"shared baskets"}, set())  # of each product

    def test_nothing_is_left_behind(self) -> None:
        self.fill()
        before = AuditEntry.objects.count()
        self.assertTrue(warming.warm_console())
        for model in (User, Session, ServedList):
            self.assertFalse(model.objects.exists(), model)
        self.assertEqual(AuditEntry.objects.count(), before)

    def test_every_page_is_drawn_whole_in_an_empty_shop_too(self) -> None:
        for address in warming.PAGES:
            with self.subTest(address=address):
                answer = warming.look(address)
                self.assertEqual(answer.status_code, 200)
                self.assertIn("</html>", answer.content.decode())  # type: ignore[attr-defined]
        self.assertEqual(warming._subjects(), [])

    def test_a_page_that_fails_does_not_keep_the_others_cold(self) -> None:
        seen: list[str] = []

        def look(address: str) -> None:
            seen.append(address)
            if address == "/":
                raise ValueError("a page with a fault")

        with mock.patch.object(warming, "look", look), self.assertLogs(warming.log, "ERROR"):
            self.assertTrue(warming.warm_console())
        self.assertEqual(seen, list(warming.PAGES))

    def test_an_onlooker_may_change_nothing(self) -> None:
        person = warming.Onlooker()
        self.assertTrue(person.has_perms(["catalog.view_product"]))
        self.assertFalse(person.has_perm("recommender.add_switch"))
        self.assertFalse(person.has_perms(["catalog.view_product", "auth.change_user"]))


class CollectorTest(WarmCase):
    def test_a_state_that_was_hidden_is_freed_when_it_is_replaced(self) -> None:
        make_products(12)
        held = weakref.ref(state.current().catalogue)
        warming.hide_from_collector()
        self.addCleanup(gc.unfreeze)
        gc.disable()
        self.addCleanup(gc.enable)
        state.forget()
        self.assertIsNone(held())


class FrozenPostgresTest(CommittedCase):
    def test_lists_are_answered_and_the_console_follows(self) -> None:
        start_afresh()
        make_products(12)
        shop = Caller()
        self.assertEqual(shop.get("recommendations?n=3").status_code, 200)
        looked = threading.Event()
        with (
            mock.patch.object(warming, "RETRY", 0.1),
            mock.patch.object(warming, "PAUSE", 0),
            mock.patch.object(warming, "look", side_effect=lambda address: looked.set()),
        ):
            thread = threading.Thread(target=warming.warm, daemon=True)
            with self.assertLogs(warming.log, "WARNING"), frozen("postgres"):
                thread.start()
                thread.join(1.0)
                self.assertTrue(thread.is_alive())
                self.assertFalse(looked.is_set())
                self.assertEqual(shop.get("recommendations?n=3").status_code, 200)
            thread.join(20)
        self.addCleanup(gc.unfreeze)
        self.assertFalse(thread.is_alive())
        self.assertTrue(looked.is_set())
