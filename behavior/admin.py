"""Shoppers and event types in Django's admin."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from behavior.models import EventType, Shopper


@admin.register(Shopper)
class ShopperAdmin(admin.ModelAdmin):
    list_display = ("external_id", "kind", "age", "gender", "income", "consent", "is_stub")
    list_filter = ("kind", "consent", "is_stub")
    search_fields = ("external_id",)
    autocomplete_fields = ("merged_into",)
    readonly_fields = ("created_at", "updated_at")
    show_full_result_count = False

    def get_readonly_fields(self, request: HttpRequest, obj: Shopper | None = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "kind", "external_id") if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Shopper | None = None) -> bool:
        return False  # events point at it


@admin.register(EventType)
class EventTypeAdmin(admin.ModelAdmin):
    list_display = ("name", "weight", "is_target", "is_builtin", "position")
    list_editable = ("weight", "is_target")

    def get_readonly_fields(self, request: HttpRequest, obj: EventType | None = None) -> tuple[str, ...]:
        # Stored events name their type: renaming one would orphan them.
        return ("is_builtin", "name") if obj else ("is_builtin",)

    def has_delete_permission(self, request: HttpRequest, obj: EventType | None = None) -> bool:
        return bool(obj and not obj.is_builtin and super().has_delete_permission(request, obj))
