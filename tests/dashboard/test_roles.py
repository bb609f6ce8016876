from __future__ import annotations

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import TestCase

from recsite.dashboard import roles
from tests.dashboard.people import make_person


class RolesTest(TestCase):
    def test_the_migration_made_both_groups_with_their_permissions(self) -> None:
        for name, permissions in roles.PERMISSIONS.items():
            person = make_person(name)
            self.assertTrue(person.has_perms(permissions), name)

    def test_a_merchandiser_steers_but_does_not_run_the_shop(self) -> None:
        person = make_person(roles.MERCHANDISER)
        self.assertTrue(person.has_perms([roles.SEE, roles.EDIT_RULES, roles.EDIT_PLACEMENTS]))
        for refused in (roles.RETRAIN, roles.SWITCH_MODELS, roles.IMPORT, roles.EDIT_KEYS, roles.EDIT_PEOPLE):
            self.assertFalse(person.has_perm(refused), refused)

    def test_declaring_again_keeps_what_a_shop_added(self) -> None:
        group = Group.objects.get(name=roles.MERCHANDISER)
        given = roles.PERMISSIONS[roles.ADMIN][-1].split(".")[1]
        added = Group.objects.get(name=roles.ADMIN).permissions.get(codename=given)
        group.permissions.add(added)
        roles.declare_roles(apps)
        self.assertIn(added, group.permissions.all())
        self.assertEqual(Group.objects.filter(name=roles.MERCHANDISER).count(), 1)

    def test_the_word_beside_a_name_is_the_most_powerful_role(self) -> None:
        both = make_person(roles.MERCHANDISER)
        both.groups.add(Group.objects.get(name=roles.ADMIN))
        self.assertEqual(roles.role_of(both), roles.ADMIN)
        self.assertEqual(roles.role_of(User.objects.create_superuser("root")), roles.ADMIN)
        self.assertEqual(roles.role_of(make_person("", name="guest")), "")
