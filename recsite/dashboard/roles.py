"""The two roles of the console, and what each may do.

A role is a Django group of the same name. Views and templates ask for one of the permissions below, never for a
group, so that a shop may make further groups of its own in the admin.
"""

from __future__ import annotations

from django.apps import AppConfig
from django.apps.registry import Apps
from django.contrib.auth.management import create_permissions

MERCHANDISER = "merchandiser"
ADMIN = "admin"

# What a control needs. The names are Django's own model permissions.
SEE = "catalog.view_product"  # every page
EDIT_RULES = "recommender.change_rule"
EDIT_PLACEMENTS = "recommender.change_placement"
RETRAIN = "recommender.add_trainingrun"
SWITCH_MODELS = "recommender.add_switch"  # promote and roll back
IMPORT = "catalog.add_import"
EDIT_PRODUCTS = "catalog.change_product"
EDIT_KEYS = "api.change_apikey"
EDIT_PEOPLE = "auth.change_user"
ERASE = "behavior.delete_shopper"
EDIT_EVENT_TYPES = "behavior.change_eventtype"
EDIT_SHOP = "dashboard.change_shopsettings"
SEE_AUDIT = "dashboard.view_auditentry"

_APPS = ("auth", "catalog", "behavior", "recommender", "api", "dashboard")
_SEEN = {
    "catalog": ("category", "product", "import"),
    "behavior": ("eventtype", "shopper", "event", "rejectedevent", "shopperprofile"),
    "recommender": ("trainingrun", "generation", "switch", "placement", "rule", "ruleversion", "servedlist"),
}
_MERCHANDISER = (
    *(f"{app}.view_{model}" for app, models in _SEEN.items() for model in models),
    *(f"recommender.{verb}_{model}" for verb in ("add", "change", "delete") for model in ("rule", "placement")),
)
_ADMIN_ONLY = (
    RETRAIN,
    "recommender.change_trainingrun",
    SWITCH_MODELS,
    IMPORT,
    EDIT_PRODUCTS,
    "catalog.add_product",
    "behavior.change_shopper",
    ERASE,
    EDIT_EVENT_TYPES,
    "behavior.add_eventtype",
    "api.view_apikey",
    "api.add_apikey",
    EDIT_KEYS,
    "auth.view_user",
    "auth.add_user",
    EDIT_PEOPLE,
    "auth.view_group",
    EDIT_SHOP,
    "dashboard.add_shopsettings",
    SEE_AUDIT,
)
PERMISSIONS: dict[str, tuple[str, ...]] = {
    MERCHANDISER: _MERCHANDISER,
    ADMIN: (*_MERCHANDISER, *_ADMIN_ONLY),
}


def declare_roles(registry: Apps) -> None:
    """Make the two groups and give each its permissions; again changes nothing.

    ``registry``: the apps of a migration, or ``django.apps.apps``. A permission that a shop took away from a group
    comes back, one that it added stays.
    """
    for label in _APPS:
        _make_permissions(registry.get_app_config(label), registry)
    groups = registry.get_model("auth", "Group").objects
    known = {
        f"{app}.{codename}": pk
        for pk, app, codename in registry.get_model("auth", "Permission").objects.values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for name, permissions in PERMISSIONS.items():
        group, _ = groups.get_or_create(name=name)
        group.permissions.add(*(known[permission] for permission in permissions))


def _make_permissions(config: AppConfig, registry: Apps) -> None:
    """Django makes permissions only after the last migration; a migration that gives them needs them now."""
    had = getattr(config, "models_module", None)
    config.models_module = had or True  # type: ignore[assignment]  # the stub of a migration has none: skipped
    create_permissions(config, apps=registry, verbosity=0)
    config.models_module = had


def role_of(user: object) -> str:
    """The word beside a person's name: their most powerful role."""
    if getattr(user, "is_superuser", False):
        return ADMIN
    names = {group.name for group in user.groups.all()}  # type: ignore[attr-defined]
    return next((name for name in (ADMIN, MERCHANDISER) if name in names), "")
