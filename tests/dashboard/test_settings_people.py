from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.http import HttpResponse
from django.test import TestCase
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from recsite.dashboard import people, roles
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.people import PersonRefused
from tests.dashboard.clocks import stopped_clock
from tests.dashboard.people import PASSWORD, make_person


class ServicesTest(TestCase):
    def setUp(self) -> None:
        self.admin = make_person(roles.ADMIN)

    def noted(self) -> list[tuple[str, str]]:
        return list(AuditEntry.objects.order_by("id").values_list("action", "subject"))

    def test_an_invited_person_has_a_role_and_no_password(self) -> None:
        made = people.invite(username=" mara ", role=roles.MERCHANDISER, by=self.admin)
        self.assertEqual((made.username, roles.role_of(made)), ("mara", roles.MERCHANDISER))
        self.assertFalse(made.has_usable_password())
        self.assertEqual(self.noted(), [("person.invite", "mara")])

    def test_names_are_checked_and_taken_whatever_their_case(self) -> None:
        for name, words in (("", "letters"), ("two words", "letters"), ("ADMIN", "is taken")):
            with self.subTest(name), self.assertRaisesRegex(PersonRefused, words) as refused:
                people.invite(username=name, role=roles.MERCHANDISER, by=self.admin)
            self.assertEqual(refused.exception.field, "username")
        with self.assertRaisesRegex(PersonRefused, "received “owner”"):
            people.invite(username="mara", role="owner", by=self.admin)

    def test_a_role_takes_the_place_of_the_other(self) -> None:
        person = make_person()
        people.change_role(person=person, role=roles.ADMIN, by=self.admin)
        person = User.objects.get(pk=person.pk)
        self.assertTrue(person.has_perm(roles.EDIT_KEYS) and person.is_staff)
        people.change_role(person=person, role=roles.MERCHANDISER, by=self.admin)
        person = User.objects.get(pk=person.pk)
        self.assertFalse(person.has_perm(roles.EDIT_KEYS) or person.is_staff)
        self.assertEqual([group.name for group in person.groups.all()], [roles.MERCHANDISER])

    def test_a_superuser_made_a_merchandiser_is_one(self) -> None:
        root = User.objects.create_superuser("root")
        people.change_role(person=root, role=roles.MERCHANDISER, by=self.admin)
        root = User.objects.get(pk=root.pk)
        self.assertFalse(root.is_superuser)
        self.assertEqual(roles.role_of(root), roles.MERCHANDISER)

    def test_nobody_puts_themselves_out(self) -> None:
        make_person(roles.ADMIN, name="second")
        with self.assertRaisesRegex(PersonRefused, "another admin can"):
            people.deactivate(person=self.admin, by=self.admin)
        with self.assertRaisesRegex(PersonRefused, "another admin can"):
            people.change_role(person=self.admin, role=roles.MERCHANDISER, by=self.admin)

    def test_the_last_admin_stays(self) -> None:
        keeper = make_person("", name="keeper")  # of a further group that may change people
        for change in (
            lambda: people.deactivate(person=self.admin, by=keeper),
            lambda: people.change_role(person=self.admin, role=roles.MERCHANDISER, by=keeper),
        ):
            with self.assertRaisesRegex(PersonRefused, "is the last admin"):
                change()
        make_person(roles.ADMIN, name="second")
        people.deactivate(person=self.admin, by=keeper)
        self.assertEqual([person.username for person in people.admins()], ["second"])

    def test_doing_it_twice_notes_it_once(self) -> None:
        person = make_person()
        for _ in range(2):
            people.deactivate(person=person, by=self.admin)
        for _ in range(2):
            people.reactivate(person=person, by=self.admin)
        self.assertEqual(self.noted(), [("person.deactivate", "merchandiser"), ("person.reactivate", "merchandiser")])


class PeoplePagesTest(TestCase):
    def setUp(self) -> None:
        cache.clear()
        self.admin = make_person(roles.ADMIN)
        self.client.force_login(self.admin)
        self.client.post(reverse("settings-password-again"), {"password": PASSWORD})

    def send(self, name: str, /, *args: object, **form: Any) -> HttpResponse:
        return self.client.post(reverse(name, args=args), form, follow=True)  # type: ignore[return-value]

    def test_an_invitation_shows_a_link_that_lets_the_person_in(self) -> None:
        answer = self.send("settings-person-new", username="mara", role="merchandiser")
        self.assertIn("no-store", answer.headers["Cache-Control"])
        (path,) = set(re.findall(r"http://testserver(/password/[^<\s]+)", answer.content.decode()))
        self.client.logout()
        there = self.client.get(path, follow=True).redirect_chain[-1][0]
        self.client.post(there, {"new_password1": PASSWORD, "new_password2": PASSWORD})
        self.client.post(reverse("login"), {"username": "mara", "password": PASSWORD})
        self.assertEqual(self.client.get("/products/").status_code, 200)

    def test_a_refused_invitation_keeps_what_was_typed(self) -> None:
        answer = self.client.post(reverse("settings-person-new"), {"username": "two words", "role": "admin"})
        self.assertContains(answer, "received “two words”", status_code=422)
        self.assertContains(answer, 'value="two words"', status_code=422)

    def test_who_is_let_go_is_out_with_the_next_click_and_undo_lets_them_in(self) -> None:
        person = make_person()
        other = self.client_class()
        other.force_login(person)
        self.assertEqual(other.get("/products/").status_code, 200)
        answer = self.send("settings-person-access", person.pk, "away")
        undo = reverse("settings-person-access", args=[person.pk, "active"])
        self.assertContains(answer, f'action="{undo}"')
        self.assertIn("/login/", other.get("/products/")["Location"])
        self.client.post(undo)
        other.force_login(User.objects.get(pk=person.pk))
        self.assertEqual(other.get("/products/").status_code, 200)

    def test_a_role_is_changed_and_undone(self) -> None:
        person = make_person()
        answer = self.send("settings-person-role", person.pk, "admin")
        self.assertContains(answer, reverse("settings-person-role", args=[person.pk, "merchandiser"]))
        self.assertEqual(people.admins().count(), 2)

    def test_one_s_own_page_has_no_way_out(self) -> None:
        page = self.client.get(reverse("settings-person", args=[self.admin.pk]))
        self.assertContains(page, "another admin can change your role")
        self.assertNotContains(page, "Deactivate")
        self.assertContains(self.send("settings-person-access", self.admin.pk, "away"), "cannot deactivate yourself")
        self.assertTrue(User.objects.get(pk=self.admin.pk).is_active)

    def test_filters(self) -> None:
        make_person(name="mara")
        away = make_person(name="tom")
        people.deactivate(person=away, by=self.admin)

        def names(**params: str) -> list[str]:
            page = self.client.get(reverse("settings-people"), params).content.decode()
            return re.findall(r'class="row-link"[^>]*>(\w+)', page)

        self.assertEqual(names(), ["admin", "mara", "tom"])
        self.assertEqual(names(role="merchandiser"), ["mara", "tom"])
        self.assertEqual(names(role="admin"), ["admin"])
        self.assertEqual(names(state="away"), ["tom"])
        self.assertEqual(names(q="AR"), ["mara"])
        self.assertContains(self.client.get(reverse("settings-people"), {"q": "zoe"}), "Nobody is called “zoe”")

    def test_a_merchandiser_may_none_of_it(self) -> None:
        person = make_person()
        self.client.force_login(person)
        self.client.post(reverse("settings-password-again"), {"password": PASSWORD})
        for name, args in (
            ("settings-people", []),
            ("settings-person", [person.pk]),
            ("settings-person-new", []),
        ):
            self.assertEqual(self.client.get(reverse(name, args=args)).status_code, 403, name)
        for name, arguments in (
            ("settings-person-new", []),
            ("settings-person-link", [self.admin.pk]),
            ("settings-person-role", [person.pk, "admin"]),
            ("settings-person-access", [self.admin.pk, "away"]),
        ):
            self.assertEqual(self.client.post(reverse(name, args=arguments)).status_code, 403, name)
        self.assertEqual(people.admins().get(), self.admin)

    def test_the_query_count_does_not_grow_with_the_people(self) -> None:
        counts = []
        with stopped_clock():
            for number in range(2):
                for extra in range(1 + 55 * number):
                    make_person(name=f"person{number}x{extra}")
                self.client.get(reverse("settings-people"))
                with CaptureQueriesContext(connection) as seen:
                    self.assertEqual(self.client.get(reverse("settings-people")).status_code, 200)
                counts.append(len(seen))
        self.assertEqual(counts[0], counts[1])
