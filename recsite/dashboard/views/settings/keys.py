from __future__ import annotations

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from recsite.api import keys as services
from recsite.api.models import ApiKey
from recsite.dashboard import audit, numbers, roles
from recsite.dashboard.access import needs, permissions_of, person_of
from recsite.dashboard.pages.settings import key as key_page
from recsite.dashboard.pages.settings import key_new
from recsite.dashboard.pages.settings import keys as page
from recsite.dashboard.reauthentication import asks_password
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments

_MADE = "forms_of_made_keys"  # in the session: the last few
_REMEMBERED = 20


@needs(roles.EDIT_KEYS)
def keys(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The list of keys."""
    return fragments.answer(request, "settings_keys", page.build(request.GET.dict(), permissions_of(request)))


@needs(roles.EDIT_KEYS)
def key(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """One key, with what can be done with it."""
    found = get_object_or_404(ApiKey.objects.select_related("created_by"), pk=pk)
    return fragments.answer(request, "settings_key", key_page.build(found, permissions_of(request)))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.EDIT_KEYS)
def new_key(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The form of a new key; sent back, the answer shows the key, this once."""
    if request.method != "POST":
        form = key_new.build(None, permissions_of(request), kind=request.GET.get("kind", ""))
        return fragments.answer(request, "settings_key_new", form)
    wish = key_new.read_form(request.POST.dict(), request.POST.getlist("scopes"))
    made_before: list[str] = request.session.get(_MADE, [])
    if wish.form_id and wish.form_id in made_before:  # the answer was loaded again
        messages.info(request, "That key was made already and is shown no more. Rotate it if its text is lost.")
        return redirect("settings-keys")
    try:
        with transaction.atomic():
            made = services.create(
                name=wish.name,
                kind=wish.kind,
                scopes=wish.scopes,
                origins=wish.origins,
                by=person_of(request),
            )
            audit.note(by=request.user, action="key.create", subject=str(made.row), detail=_detail(made.row))
    except services.KeyRefused as error:
        refused = key_new.build(wish, permissions_of(request), errors={error.field: str(error)})
        return fragments.answer(request, "settings_key_new", refused, status=422)
    request.session[_MADE] = [*made_before, wish.form_id][-_REMEMBERED:]
    return _show(request, made)


@never_cache
@require_POST
@asks_password
@needs(roles.EDIT_KEYS)
def rotate_key(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """A successor, shown this once; the old one goes on for a while."""
    old = get_object_or_404(services.live(), pk=pk)
    overlap = key_page.OVERLAPS.get(request.POST.get("overlap", ""), key_page.OVERLAPS["7d"])
    try:
        with transaction.atomic():
            made = services.rotate(key=old, by=person_of(request), overlap=overlap)
            detail = {"successor": str(made.row), "old_goes_on_for": numbers.duration(overlap)}
            audit.note(by=request.user, action="key.rotate", subject=str(old), detail=detail)
    except services.KeyRefused as error:
        messages.error(request, f"Not rotated: {error}.")
        return redirect("settings-key", pk)
    return _show(request, made, until=numbers.moment(timezone.now() + overlap))


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.EDIT_KEYS)
def revoke_key(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Ask, then turn the key away everywhere."""
    found = get_object_or_404(services.live().select_related("created_by"), pk=pk)
    if request.method != "POST" or request.POST.get("confirm", "").strip() != found.prefix:
        asked = key_page.build(found, permissions_of(request), asks=True)
        return fragments.answer(request, "settings_key", asked, status=422 if request.method == "POST" else 200)
    with transaction.atomic():
        services.revoke(key=found)
        audit.note(by=request.user, action="key.revoke", subject=str(found))
    messages.success(request, f"“{found.name}” is revoked: {found.prefix}… is turned away from now on.")
    return redirect("settings-keys")


def _show(request: HttpRequest, made: services.NewKey, until: str = "") -> HttpResponse:
    host = f"{request.scheme}://{request.get_host()}"
    shown = key_new.build_made(made, permissions_of(request), host=host, until=until)
    return fragments.answer(request, "settings_once", shown)


def _detail(key: ApiKey) -> dict[str, object]:
    return {"kind": key.kind, "scopes": key.scopes, "origins": key.origins}
