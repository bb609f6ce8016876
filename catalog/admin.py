"""The catalogue in Django's admin, for whoever needs one row mended."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from catalog import services
from catalog.models import Category, Import, Product


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("external_id", "title", "category", "brand", "price", "stock", "hidden", "is_stub")
    list_filter = ("hidden", "is_stub")
    search_fields = ("external_id", "title")
    autocomplete_fields = ("category",)
    list_select_related = ("category",)
    readonly_fields = ("created_at", "updated_at")
    show_full_result_count = False
    actions = ("hide", "unhide")

    def get_readonly_fields(self, request: HttpRequest, obj: Product | None = None) -> tuple[str, ...]:
        # The shop's id is what events and lists know a product by: set once.
        return (*self.readonly_fields, "external_id") if obj else self.readonly_fields

    @admin.action(description="Hide from recommendations")
    def hide(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        changed = services.hide(external_ids=list(products.values_list("external_id", flat=True)))
        self.message_user(request, f"{changed} hidden")

    @admin.action(description="Show in recommendations again")
    def unhide(self, request: HttpRequest, products: QuerySet[Product]) -> None:
        changed = services.unhide(external_ids=list(products.values_list("external_id", flat=True)))
        self.message_user(request, f"{changed} shown again")

    def has_delete_permission(self, request: HttpRequest, obj: Product | None = None) -> bool:
        return False  # events point at it: retire it instead


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ("path", "depth")
    search_fields = ("path",)
    autocomplete_fields = ("parent",)


@admin.register(Import)
class ImportAdmin(admin.ModelAdmin):
    list_display = ("id", "kind", "file_name", "status", "rows_read", "stored", "changed", "duplicate", "rejected")
    list_filter = ("kind", "status")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Import | None = None) -> bool:
        return False
