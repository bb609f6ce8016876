from __future__ import annotations

from django.test import TestCase, override_settings
from django.urls import reverse

from recsite.dashboard import roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.people import password_path
from tests.dashboard.people import PASSWORD, make_person


def noted() -> list[tuple[str, str]]:
    """Actions and subjects, the oldest first."""
    return list(AuditEntry.objects.order_by("id").values_list("action", "subject"))


class LogInTest(TestCase):
    def setUp(self) -> None:
        self.person = make_person()

    def try_in(self, password: str = PASSWORD, name: str = "merchandiser") -> int:
        return self.client.post(reverse("login"), {"username": name, "password": password}).status_code

    def test_in_and_out_are_noted(self) -> None:
        self.assertEqual(self.try_in(), 302)
        self.client.post(reverse("logout"))
        self.assertEqual(noted(), [("person.log_in", ""), ("person.log_out", "")])
        entry = AuditEntry.objects.last()
        assert entry
        self.assertEqual((entry.by, entry.detail), (self.person, {"address": "127.0.0.1"}))

    def test_a_wrong_password_is_noted_but_not_what_was_typed_for_a_name(self) -> None:
        self.assertEqual(self.try_in("wrong"), 200)
        self.try_in(PASSWORD, name=PASSWORD)
        self.assertEqual(
            noted(),
            [("person.log_in_failed", "merchandiser"), ("person.log_in_failed", "a name that nobody has")],
        )
        self.assertNotIn(PASSWORD, str(AuditEntry.objects.values()))

    @override_settings(AXES_FAILURE_LIMIT=3)
    def test_a_lock_out_is_noted_once_and_says_what_to_do(self) -> None:
        for _ in range(5):
            answer = self.client.post(reverse("login"), {"username": "merchandiser", "password": "wrong"})
        self.assertContains(answer, "Too many attempts", status_code=429)
        self.assertEqual([action for action, _ in noted()].count("person.lock_out"), 1)
        self.assertEqual(self.try_in(), 429)

    def test_the_admin_has_no_door_of_its_own(self) -> None:
        self.assertRedirects(
            self.client.get("/admin/login/?next=/admin/"), "/login/?next=/admin/", fetch_redirect_response=False
        )
        self.client.force_login(self.person)
        self.assertEqual(self.client.get("/admin/login/?next=/admin/").status_code, 403)


class SetPasswordTest(TestCase):
    def test_a_link_is_good_once(self) -> None:
        admin, person = make_person(roles.ADMIN), make_person()
        link = password_path(person=person, by=admin)
        page = self.client.get(link, follow=True)
        self.assertContains(page, "Set your password")
        there = page.redirect_chain[-1][0]
        refused = self.client.post(there, {"new_password1": "short", "new_password2": "short"})
        self.assertContains(refused, "too short")
        new = "cold tea at midnight"
        self.assertRedirects(self.client.post(there, {"new_password1": new, "new_password2": new}), reverse("login"))
        person.refresh_from_db()
        self.assertTrue(person.check_password(new))
        self.assertContains(self.client.get(link, follow=True), "This link is used up")
        self.assertEqual(noted(), [("person.password_link", "merchandiser"), ("person.password_set", "")])


class YouTest(TestCase):
    def setUp(self) -> None:
        self.person = make_person()
        self.client.force_login(self.person)

    def change(self, **fields: str) -> object:
        new = "cold tea at midnight"
        form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new, **fields}
        return self.client.post(reverse("settings-you"), form)

    def test_another_password_keeps_this_browser_in(self) -> None:
        self.assertRedirects(self.change(), reverse("settings-you"))  # type: ignore[arg-type]
        self.assertEqual(noted(), [("person.password", "")])
        self.person.refresh_from_db()
        self.assertTrue(self.person.check_password("cold tea at midnight"))

    def test_a_refused_one_says_why(self) -> None:
        self.assertContains(self.change(old_password="wrong"), "incorrectly", status_code=422)  # type: ignore[arg-type]
        self.assertContains(self.change(new_password2="other"), "match", status_code=422)  # type: ignore[arg-type]
        self.assertEqual(noted(), [])

    def test_the_look_is_one_s_own(self) -> None:
        page = self.client.get(reverse("settings-you"))
        self.assertContains(page, "As the system")
        self.client.post(reverse("appearance"), {"keys": "off"})
        self.assertContains(self.client.get(reverse("settings-you")), 'data-keys="off"')

    def test_the_password_again_leads_back_but_not_elsewhere(self) -> None:
        ask = reverse("settings-password-again")
        self.assertContains(self.client.post(ask, {"password": "wrong"}), "not your password", status_code=422)
        self.assertEqual(noted(), [("person.log_in_failed", "merchandiser")])
        there = {"password": PASSWORD, "next": "/products/"}
        self.assertRedirects(self.client.post(ask, there), "/products/")
        elsewhere = {"password": PASSWORD, "next": "https://elsewhere.example/"}
        self.assertRedirects(self.client.post(ask, elsewhere), "/settings/")
