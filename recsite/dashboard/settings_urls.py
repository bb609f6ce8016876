"""The addresses of Settings, each part under its own."""

from django.urls import URLPattern, path

from recsite.dashboard.views.settings.shop import shop_settings, undo_shop_settings
from recsite.dashboard.views.settings.you import password_again, you

urlpatterns: list[URLPattern] = [
    path("", shop_settings, name="settings"),
    path("shop/<int:pk>/undo/", undo_shop_settings, name="settings-shop-undo"),
    path("you/", you, name="settings-you"),
    path("password/", password_again, name="settings-password-again"),
]
