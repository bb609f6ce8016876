from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages.storage.fallback import FallbackStorage
from django.test import RequestFactory, TestCase

from behavior.models import EventType, Shopper
from catalog.models import Category, Import, Product


class AdminTests(TestCase):
    def setUp(self) -> None:
        self.request = RequestFactory().get("/")
        self.request.user = User(is_staff=True, is_superuser=True)
        self.request.session = {}  # type: ignore[assignment]  # the messages' storage asks for one
        self.request._messages = FallbackStorage(self.request)  # type: ignore[attr-defined]

    def test_what_events_point_at_cannot_be_deleted(self) -> None:
        for model in (Product, Shopper, Import):
            self.assertFalse(admin.site.get_model_admin(model).has_delete_permission(self.request), model)
        self.assertTrue(admin.site.get_model_admin(Category).has_delete_permission(self.request))
        types = admin.site.get_model_admin(EventType)
        self.assertFalse(types.has_delete_permission(self.request, EventType.objects.get(name="view")))
        self.assertTrue(types.has_delete_permission(self.request, EventType.objects.create(name="wish", weight=1)))

    def test_ids_are_set_once(self) -> None:
        product = Product.objects.create(external_id="milk")
        page = admin.site.get_model_admin(Product)
        self.assertIn("external_id", page.get_readonly_fields(self.request, product))
        self.assertNotIn("external_id", page.get_readonly_fields(self.request))

    def test_hide_and_show_again(self) -> None:
        Product.objects.create(external_id="milk")
        page = admin.site.get_model_admin(Product)
        for action, hidden in (("hide", True), ("unhide", False)):
            getattr(page, action)(self.request, Product.objects.all())
            self.assertEqual(Product.objects.get().hidden, hidden)

    def test_imports_are_only_looked_at(self) -> None:
        page = admin.site.get_model_admin(Import)
        self.assertFalse(page.has_add_permission(self.request) or page.has_change_permission(self.request))
