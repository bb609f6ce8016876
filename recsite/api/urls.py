"""The shop's door: every address under /api/v1/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
