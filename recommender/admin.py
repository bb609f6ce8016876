"""Rows to look up. What changes what serves goes through the services, so nothing here can be edited but placements."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from recommender import experiments, services
from recommender.models import Experiment, Generation, Placement, Switch, TrainingRun


class ReadOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly):
    list_display = ("id", "status", "architecture", "trigger", "created_at", "finished_at")
    list_filter = ("status", "architecture")


@admin.register(Generation)
class GenerationAdmin(ReadOnly):
    list_display = ("id", "run", "model_name", "status", "shoppers_done", "as_of")
    list_select_related = ("run",)


@admin.register(Switch)
class SwitchAdmin(ReadOnly):
    list_display = ("number", "generation", "reason", "by", "at")
    list_select_related = ("generation", "by")


@admin.register(Placement)
class PlacementAdmin(admin.ModelAdmin):
    list_display = ("slug", "title", "strategy", "n", "is_active")

    def has_change_permission(self, request: HttpRequest, obj: Placement | None = None) -> bool:
        return self._is_free(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Placement | None = None) -> bool:
        return self._is_free(obj) and super().has_delete_permission(request, obj)

    def _is_free(self, placement: Placement | None) -> bool:
        """While an experiment runs on it a placement stands still."""
        return placement is None or experiments.running_on(placement.slug) is None

    def save_model(self, request: HttpRequest, obj: Placement, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.note_settings("placements")


@admin.register(Experiment)
class ExperimentAdmin(ReadOnly):
    list_display = ("slug", "title", "placement", "share", "status", "kept", "started_at")
    list_filter = ("status",)
