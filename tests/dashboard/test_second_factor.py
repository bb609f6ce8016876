"""The second factor: set up, asked for at each log-in, demanded by the shop, lost and reset."""

from __future__ import annotations

import re
import time
from binascii import unhexlify
from datetime import UTC, datetime, timedelta
from io import StringIO

import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client, TestCase, override_settings
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_totp.models import TOTPDevice

from recsite.dashboard import roles, second_factor
from recsite.dashboard.graphics import QrCode
from recsite.dashboard.models import AuditEntry, RecoveryCode, ShopSettings
from tests.dashboard.people import PASSWORD, make_person

KEY = "00112233445566778899aabbccddeeff00112233"
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def code_of(key: str = KEY) -> str:
    """What a phone with that key shows at this moment."""
    totp = TOTP(unhexlify(key))
    totp.time = time.time()
    return f"{totp.token():06d}"


def give(person: User, key: str = KEY) -> list[str]:
    """A second factor, as if set up a while ago; returns the recovery codes."""
    TOTPDevice.objects.create(user=person, name="phone", key=key, confirmed=True)
    return second_factor.new_codes(person=person)


def actions() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("action", flat=True))


class FactorCase(TestCase):
    def setUp(self) -> None:
        travel = time_machine.travel(NOON, tick=False)
        self.clock = travel.start()
        self.addCleanup(travel.stop)
        self.admin = make_person(roles.ADMIN)

    def password(self, client: Client | None = None) -> str:
        """Give the right password; where it leads."""
        sent = {"username": self.admin.username, "password": PASSWORD, "next": "/rules/"}
        return (client or self.client).post(reverse("login"), sent)["Location"]

    def is_in(self) -> bool:
        return self.client.get(reverse("settings-you")).status_code == 200


class SetUpTest(FactorCase):
    def test_a_code_of_the_phone_turns_it_on_and_shows_recovery_codes_once(self) -> None:
        self.password()
        self.assertContains(self.client.get(reverse("settings-you")), "Set it up")
        address = reverse("settings-second-factor")
        page = self.client.get(address)
        self.assertContains(page, "<path d=")
        self.assertNotContains(page, "style=")
        key = self.client.session["second_factor_key"]
        self.assertContains(page, second_factor.spelled(key))
        refused = self.client.post(address, {"code": "000000"})
        self.assertContains(refused, "expected the six digits", status_code=422)
        self.assertFalse(TOTPDevice.objects.exists())
        codes = re.findall(
            r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", self.client.post(address, {"code": code_of(key)}).content.decode()
        )
        self.assertEqual((len(codes), second_factor.codes_left(self.admin)), (10, 10))
        self.assertFalse(RecoveryCode.objects.filter(sha256__in=codes).exists())
        self.assertNotContains(self.client.get(address), codes[0])
        self.assertContains(self.client.get(address), "10 of 10 left")
        self.assertEqual(actions(), ["person.log_in", "person.second_factor_on"])
        self.assertNotIn(key, str(AuditEntry.objects.values()))

    def test_the_password_is_asked_first(self) -> None:
        self.client.force_login(self.admin)
        for name in ("settings-second-factor", "settings-second-factor-off"):
            self.assertIn("/settings/password/", self.client.get(reverse(name))["Location"])
        self.assertIn("/settings/password/", self.client.post(reverse("settings-second-factor-codes"))["Location"])

    def test_new_codes_end_the_old_and_turning_it_off_asks(self) -> None:
        old = give(self.admin)
        self.password()
        self.client.post(reverse("login-code"), {"code": code_of()})
        self.assertContains(self.client.post(reverse("settings-second-factor-codes")), "Recovery codes")
        with self.assertRaises(second_factor.WrongCode):
            second_factor.check(person=self.admin, code=old[0])
        address = reverse("settings-second-factor-off")
        self.assertContains(self.client.get(address), "Turn your second factor off?")
        self.assertTrue(second_factor.is_on(self.admin))
        self.client.post(address)
        self.assertFalse(second_factor.is_on(self.admin) or RecoveryCode.objects.exists())
        self.assertEqual(actions()[-2:], ["person.second_factor_codes", "person.second_factor_off"])

    def test_what_the_qr_code_says(self) -> None:
        address = second_factor.address_of(KEY, person=self.admin, shop="Corner & Shop")
        self.assertEqual(
            address,
            "otpauth://totp/Corner%20%26%20Shop:admin?secret=AAISEM2EKVTHPCEZVK54ZXPO74ABCIRT&issuer=Corner%20%26%20Shop",
        )
        qr = QrCode(address, "QR code")
        self.assertGreater(qr.path.count("M"), 400)
        self.assertLess(max(int(x) for x in re.findall(r"M(\d+) ", qr.path)), qr.size - 4)


class LogInTest(FactorCase):
    def setUp(self) -> None:
        super().setUp()
        self.codes = give(self.admin)
        AuditEntry.objects.all().delete()

    def test_the_password_alone_opens_nothing(self) -> None:
        self.assertEqual(self.password(), reverse("login-code"))
        self.assertFalse(self.is_in())
        self.assertContains(self.client.get(reverse("login-code")), "Second step")
        answer = self.client.post(reverse("login-code"), {"code": code_of()})
        self.assertRedirects(answer, "/rules/", fetch_redirect_response=False)
        self.assertTrue(self.is_in())
        entry = AuditEntry.objects.get()
        self.assertEqual((entry.action, entry.detail["second_factor"]), ("person.log_in", "phone"))

    def test_a_code_is_good_once(self) -> None:
        self.password()
        self.client.post(reverse("login-code"), {"code": code_of()})
        self.client.post(reverse("logout"))
        self.password()
        self.assertEqual(self.client.post(reverse("login-code"), {"code": code_of()}).status_code, 422)
        self.clock.shift(60)
        self.assertEqual(self.client.post(reverse("login-code"), {"code": code_of()}).status_code, 302)

    def test_a_recovery_code_is_good_once(self) -> None:
        typed = self.codes[3].upper().replace("-", " ")
        self.password()
        answer = self.client.post(reverse("login-code"), {"code": typed}, follow=True)
        self.assertContains(answer, "9 recovery codes left")
        self.client.post(reverse("logout"))
        self.password()
        self.assertEqual(self.client.post(reverse("login-code"), {"code": typed}).status_code, 422)
        self.assertFalse(self.is_in())

    def test_wrong_codes_are_noted_and_lock_out_as_wrong_passwords_do(self) -> None:
        self.password()
        with override_settings(AXES_FAILURE_LIMIT=3):
            answers = [self.client.post(reverse("login-code"), {"code": "000000"}).status_code for _ in range(3)]
            self.assertEqual(answers, [422, 422, 429])
            self.assertEqual(self.client.post(reverse("login-code"), {"code": self.codes[0]}).status_code, 429)
        self.assertIn("person.log_in_failed", actions())
        self.assertFalse(self.is_in())

    def test_nobody_gives_a_code_without_the_password_or_late(self) -> None:
        self.assertRedirects(self.client.get(reverse("login-code")), reverse("login"))
        self.assertRedirects(self.client.post(reverse("login-code"), {"code": code_of()}), reverse("login"))
        self.password()
        self.clock.shift(second_factor.HELD + 1)
        self.assertRedirects(self.client.post(reverse("login-code"), {"code": code_of()}), reverse("login"))
        self.password()
        User.objects.filter(pk=self.admin.pk).update(is_active=False)
        self.assertRedirects(self.client.post(reverse("login-code"), {"code": code_of()}), reverse("login"))

    def test_a_new_password_ends_what_waits_for_a_code(self) -> None:
        self.password()
        self.admin.set_password("another at noon")
        self.admin.save()
        self.assertRedirects(self.client.post(reverse("login-code"), {"code": code_of()}), reverse("login"))

    def test_who_has_none_is_asked_for_none(self) -> None:
        second_factor.turn_off(person=self.admin, by=None)
        self.assertEqual(self.password(), "/rules/")


class DemandedTest(FactorCase):
    def setUp(self) -> None:
        super().setUp()
        ShopSettings.objects.create(pk=1, demand_second_factor=True)

    def test_an_admin_without_one_sets_it_up_and_goes_on(self) -> None:
        self.password()
        setup = reverse("settings-second-factor")
        for name in ("overview", "models", "settings-keys"):
            self.assertRedirects(self.client.get(reverse(name)), setup, fetch_redirect_response=False)
        self.assertContains(self.client.get(setup), "asks admins for a second factor")
        self.client.post(setup, {"code": code_of(self.client.session["second_factor_key"])})
        self.assertEqual(self.client.get(reverse("models")).status_code, 200)

    def test_a_browser_that_was_in_before_confirms_it(self) -> None:
        self.password()
        give(self.admin)
        setup = reverse("settings-second-factor")
        self.assertRedirects(self.client.get(reverse("models")), setup)
        self.assertEqual(self.client.post(setup, {"code": "000000"}).status_code, 422)
        self.clock.shift(30)
        self.assertRedirects(self.client.post(setup, {"code": code_of()}), "/", fetch_redirect_response=False)
        self.assertEqual(self.client.get(reverse("models")).status_code, 200)

    def test_the_password_is_asked_again_without_going_in_circles(self) -> None:
        self.client.force_login(self.admin)
        answer = self.client.get(reverse("models"), follow=True)
        self.assertEqual(answer.status_code, 200)
        self.assertContains(answer, "Your password")

    def test_a_merchandiser_is_not_asked(self) -> None:
        self.client.force_login(make_person())
        self.assertEqual(self.client.get(reverse("rules")).status_code, 200)

    def test_the_shop_setting_is_changed_noted_and_undone(self) -> None:
        ShopSettings.objects.update(demand_second_factor=False)
        self.password()
        form = {"shop_name": "", "currency": "", "time_zone": "", "click_window_hours": "24", "view_window_hours": "1"}
        self.client.post(reverse("settings"), {**form, "demand_second_factor": "True"})
        self.assertTrue(ShopSettings.objects.get().demand_second_factor)
        self.assertEqual(AuditEntry.objects.first().detail["after"]["demand_second_factor"], True)  # type: ignore[union-attr]


class ResetTest(FactorCase):
    def setUp(self) -> None:
        super().setUp()
        self.other = make_person(name="mara")
        give(self.other)
        self.password()
        self.address = reverse("settings-person-second-factor", args=[self.other.pk])

    def test_another_admin_resets_it(self) -> None:
        self.assertContains(self.client.get(reverse("settings-person", args=[self.other.pk])), "Reset it")
        self.assertContains(self.client.get(self.address), "Type mara to confirm")
        self.client.post(self.address, {"confirm": "no"})
        self.assertTrue(second_factor.is_on(self.other))
        self.client.post(self.address, {"confirm": "mara"})
        self.assertFalse(second_factor.is_on(self.other))
        entry = AuditEntry.objects.first()
        assert entry is not None
        self.assertEqual((entry.action, entry.subject), ("person.second_factor_reset", "mara"))
        self.assertContains(self.client.post(self.address, {"confirm": "mara"}, follow=True), "has no second factor")

    def test_not_ones_own_and_not_by_a_merchandiser(self) -> None:
        own = reverse("settings-person-second-factor", args=[self.admin.pk])
        self.assertContains(self.client.post(own, {"confirm": "admin"}, follow=True), "This is you")
        self.assertEqual(self.client.get(reverse("settings-person-second-factor", args=[9999])).status_code, 404)
        self.client.force_login(make_person(name="ben"))
        session = self.client.session
        session["password_given_at"] = int((NOON - timedelta(seconds=1)).timestamp())
        session.save()
        self.assertEqual(self.client.post(self.address, {"confirm": "mara"}).status_code, 403)
        self.assertTrue(second_factor.is_on(self.other))

    def test_from_the_command_line(self) -> None:
        call_command("reset_second_factor", "mara", stdout=StringIO())
        self.assertFalse(second_factor.is_on(self.other))
        for name, words in (("mara", "has no second factor"), ("nobody", "expected the name")):
            with self.assertRaisesRegex(CommandError, words):
                call_command("reset_second_factor", name)
