"""The addresses of Settings, each part under its own."""

from django.urls import URLPattern, path

from recsite.dashboard.views.settings.audit_log import audit_log
from recsite.dashboard.views.settings.event_types import (
    event_type,
    event_types,
    new_event_type,
    undo_event_type,
)
from recsite.dashboard.views.settings.keys import key, keys, new_key, revoke_key, rotate_key
from recsite.dashboard.views.settings.people import (
    change_access,
    change_role,
    invite,
    password_link,
    people,
    person,
)
from recsite.dashboard.views.settings.second_factor import (
    new_codes,
    reset_second_factor,
    second_factor,
    turn_off,
)
from recsite.dashboard.views.settings.shop import shop_settings, undo_shop_settings
from recsite.dashboard.views.settings.you import password_again, you

urlpatterns: list[URLPattern] = [
    path("", shop_settings, name="settings"),
    path("shop/<int:pk>/undo/", undo_shop_settings, name="settings-shop-undo"),
    path("keys/", keys, name="settings-keys"),
    path("keys/new/", new_key, name="settings-key-new"),
    path("keys/<int:pk>/", key, name="settings-key"),
    path("keys/<int:pk>/rotate/", rotate_key, name="settings-key-rotate"),
    path("keys/<int:pk>/revoke/", revoke_key, name="settings-key-revoke"),
    path("people/", people, name="settings-people"),
    path("people/new/", invite, name="settings-person-new"),
    path("people/<int:pk>/", person, name="settings-person"),
    path("people/<int:pk>/password/", password_link, name="settings-person-link"),
    path("people/<int:pk>/role/<slug:role>/", change_role, name="settings-person-role"),
    path("people/<int:pk>/access/<slug:state>/", change_access, name="settings-person-access"),
    path("event-types/", event_types, name="settings-event-types"),
    path("event-types/new/", new_event_type, name="settings-event-type-new"),
    path("event-types/<int:pk>/undo/", undo_event_type, name="settings-event-type-undo"),
    path("event-types/of/<slug:name>/", event_type, name="settings-event-type"),
    path("audit/", audit_log, name="settings-audit"),
    path("you/", you, name="settings-you"),
    path("you/second-factor/", second_factor, name="settings-second-factor"),
    path("you/second-factor/codes/", new_codes, name="settings-second-factor-codes"),
    path("you/second-factor/off/", turn_off, name="settings-second-factor-off"),
    path("people/<int:pk>/second-factor/", reset_second_factor, name="settings-person-second-factor"),
    path("password/", password_again, name="settings-password-again"),
]
