from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from django.contrib.messages import get_messages
from django.test import TestCase
from django.urls import reverse

from behavior import services
from behavior.models import ShopperProfile
from behavior.profiles import Profile
from recommender.models import FeedbackProgress
from recsite.dashboard import audit, roles
from recsite.dashboard.models import AuditEntry, ShopSettings
from recsite.dashboard.shop import CHANGED, ShopRefused, ShopValues, change_shop, read_shop, undo_change
from recsite.tasks import count_feedback
from tests.dashboard.people import make_person
from tests.goods import make_event, make_products, make_shoppers

FORM = {
    "shop_name": "Tea & Co",
    "currency": "eur",
    "time_zone": "Asia/Tokyo",
    "click_window_hours": "48",
    "view_window_hours": "0",
}


class ChangeTest(TestCase):
    def setUp(self) -> None:
        self.admin = make_person(roles.ADMIN)

    def test_empty_means_as_in_the_environment(self) -> None:
        with self.settings(SHOP_NAME="From outside", SHOP_CURRENCY="CHF"):
            change_shop(values=ShopValues(time_zone="Asia/Tokyo"), by=self.admin)
            shop = read_shop()
        self.assertEqual((shop.name, shop.currency, str(shop.zone)), ("From outside", "CHF", "Asia/Tokyo"))

    def test_the_same_again_changes_and_notes_nothing(self) -> None:
        self.assertIsNotNone(change_shop(values=ShopValues(shop_name="Tea & Co"), by=self.admin))
        self.assertIsNone(change_shop(values=ShopValues(shop_name="Tea & Co"), by=self.admin))
        self.assertEqual(AuditEntry.objects.filter(action=CHANGED).count(), 1)
        self.assertEqual(ShopSettings.objects.count(), 1)

    def test_every_refusal_says_what_was_expected_and_what_came(self) -> None:
        bad = ShopValues("x" * 121, "EURO", "Berlin", 0, 10_000)
        with self.assertRaises(ShopRefused) as refused:
            change_shop(values=bad, by=self.admin)
        self.assertEqual(set(refused.exception.errors), set(FORM))
        self.assertIn("received “Berlin”", refused.exception.errors["time_zone"])
        self.assertFalse(ShopSettings.objects.exists())

    def test_undo_restores_unless_somebody_changed_it_since(self) -> None:
        first = change_shop(values=ShopValues(shop_name="One"), by=self.admin)
        second = change_shop(values=ShopValues(shop_name="Two"), by=self.admin)
        assert first
        assert second
        self.assertFalse(undo_change(entry=first, by=self.admin))
        self.assertTrue(undo_change(entry=second, by=self.admin))
        self.assertEqual(read_shop().name, "One")
        self.assertIsNone(audit.verify().broken_at)

    def test_profiles_are_folded_by_the_new_clock(self) -> None:
        (anna,), (tea,) = make_shoppers(1), make_products(1)
        make_event(anna, tea)  # at noon UTC
        change_shop(values=ShopValues(time_zone="Asia/Tokyo"), by=self.admin)
        services.build_profiles()
        self.assertEqual(Profile.from_dict(ShopperProfile.objects.get().data).hours.index(1.0), 21)

    def test_feedback_is_counted_by_the_new_windows(self) -> None:
        change_shop(values=ShopValues(click_window_hours=48, time_zone="Asia/Tokyo"), by=self.admin)
        count_feedback()
        counted = FeedbackProgress.objects.get()
        self.assertEqual((counted.click_window, counted.zone), (timedelta(hours=48), "Asia/Tokyo"))


class PageTest(TestCase):
    def test_an_admin_saves_and_undoes(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.post(reverse("settings"), FORM, follow=True)
        self.assertRedirects(answer, reverse("settings"))
        shop = read_shop()
        self.assertEqual((shop.name, shop.currency, shop.zone), ("Tea & Co", "EUR", ZoneInfo("Asia/Tokyo")))
        self.assertEqual((shop.click_window, shop.view_window), (timedelta(hours=48), timedelta(0)))
        undo = reverse("settings-shop-undo", args=[AuditEntry.objects.get(action=CHANGED).pk])
        self.assertContains(answer, undo)
        self.client.post(undo)
        self.assertEqual(read_shop().click_window, timedelta(hours=24))

    def test_a_refused_form_keeps_what_was_typed(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        answer = self.client.post(reverse("settings"), FORM | {"currency": "EURO", "shop_name": "Kept"})
        self.assertContains(answer, "received “EURO”", status_code=422)
        self.assertContains(answer, 'value="Kept"', status_code=422)
        answer = self.client.post(reverse("settings"), FORM | {"click_window_hours": "a day"})
        self.assertContains(answer, "expected a whole number of hours; received “a day”", status_code=422)

    def test_saving_the_same_says_so(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        for _ in range(2):
            answer = self.client.post(reverse("settings"), FORM)
        self.assertIn("nothing was changed", str(list(get_messages(answer.wsgi_request))[-1]))

    def test_a_merchandiser_reads_and_may_not_change(self) -> None:
        self.client.force_login(make_person())
        page = self.client.get(reverse("settings"))
        self.assertContains(page, "Corner Shop")
        self.assertNotContains(page, 'name="currency"')
        self.assertNotContains(page, "Audit log")
        self.assertEqual(self.client.post(reverse("settings"), FORM).status_code, 403)
        self.assertEqual(self.client.post(reverse("settings-shop-undo", args=[1])).status_code, 403)
        self.assertFalse(ShopSettings.objects.exists())

    def test_undoing_what_never_was_is_not_here(self) -> None:
        self.client.force_login(make_person(roles.ADMIN))
        self.assertEqual(self.client.post(reverse("settings-shop-undo", args=[99])).status_code, 404)
        other = audit.note(by=None, action="rule.live")
        self.assertEqual(self.client.post(reverse("settings-shop-undo", args=[other.pk])).status_code, 404)
