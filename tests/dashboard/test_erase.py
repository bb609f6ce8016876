"""Erasing a person in the console: asked twice, by admins only, told with the receipt."""

from __future__ import annotations

from unittest import mock

from django.urls import reverse

from behavior.models import Erasure, Event, Shopper
from recommender import state
from recsite import erasure
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages import erase as page
from tests.dashboard.people import make_person
from tests.recommender.test_publish import PublishCase


class EraseTests(PublishCase):
    def setUp(self) -> None:
        super().setUp()
        self.publish()
        self.addCleanup(state.forget)
        self.enterContext(mock.patch.object(erasure, "ON_ITS_WAY", 0.0))
        self.anna = Shopper.objects.earliest("pk")
        self.url = reverse("erase", args=["shopper", self.anna.external_id])

    def log_in(self, role: str) -> None:
        person = make_person(role)
        person.set_password("a long password")
        person.save()
        self.client.post(reverse("login"), {"username": person.username, "password": "a long password"})

    def test_a_merchandiser_finds_no_button_and_no_way(self) -> None:
        self.log_in("merchandiser")
        shown = self.client.get(reverse("shopper", args=[self.anna.external_id])).content.decode()
        self.assertNotIn("/erase/", shown)
        for ask in (self.client.get, self.client.post):
            self.assertEqual(ask(self.url, {"confirm": self.anna.external_id}).status_code, 403)
        self.assertTrue(Shopper.objects.filter(pk=self.anna.pk).exists())

    def test_an_admin_types_the_id_and_reads_the_receipt(self) -> None:
        self.log_in("admin")
        shown = self.client.get(reverse("shopper", args=[self.anna.external_id])).content.decode()
        self.assertIn(self.url, shown)
        asked = self.client.get(self.url).content.decode()
        self.assertIn(f"Erase Shopper {self.anna.external_id}?", asked)
        wrong = self.client.post(self.url, {"confirm": "somebody"}, follow=True).content.decode()
        self.assertIn("Nothing was erased", wrong)
        events = Event.objects.filter(shopper=self.anna).count()
        done = self.client.post(self.url, {"confirm": f" {self.anna.external_id} "}, follow=True)
        receipt = Erasure.objects.get()
        self.assertEqual(done.redirect_chain[-1][0], reverse("shoppers"))
        self.assertIn(f"Erased: {events} events", done.content.decode())
        self.assertIn(str(receipt.receipt), done.content.decode())
        entry = AuditEntry.objects.get(action="shopper.erase")
        self.assertEqual((entry.by_name, entry.subject), ("admin", str(receipt.receipt)))
        self.assertEqual(self.client.get(self.url).status_code, 404)

    def test_a_visitor_who_logged_in_leads_to_the_shopper(self) -> None:
        self.log_in("admin")
        Shopper.objects.create(kind="visitor", external_id="tab-7", merged_into=self.anna)
        self.assertIn("with 1 visitor they were", page.dialog(self.anna).text)
        url = reverse("erase", args=["visitor", "tab-7"])
        self.assertRedirects(self.client.get(url), reverse("shopper", args=[self.anna.external_id]))

    def test_what_is_not_complete_says_so(self) -> None:
        made = Erasure(erased={"events": 1, "answered_lists": 2}, pending=["s:1"])
        self.assertIn("1 event, 2 answered lists. A part that does not answer", page.told(made))
