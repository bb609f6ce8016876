from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from recsite.dashboard import roles
from recsite.dashboard.access import needs, permissions_of, person_of, require, sees
from recsite.dashboard.models import AuditEntry
from recsite.dashboard.pages.settings import shop as page
from recsite.dashboard.shop import CHANGED, Shop, ShopRefused, change_shop, read_values, undo_change
from recsite.dashboard.views import fragments
from recsite.dashboard.views.toasts import tell


@require_http_methods(["GET", "HEAD", "POST"])
@sees
def shop_settings(request: HttpRequest, shop: Shop) -> HttpResponse:
    """The shop's own settings; sent back, they are in force from the next page on."""
    if request.method == "POST":
        require(request, roles.EDIT_SHOP)
        return _save(request, shop)
    return fragments.answer(request, "settings_shop", page.build(read_values(), shop, permissions_of(request)))


def _save(request: HttpRequest, shop: Shop) -> HttpResponse:
    typed = request.POST.dict()
    try:
        values, _ = page.read_form(typed)
        entry = change_shop(values=values, by=person_of(request))
    except ShopRefused as error:
        found = page.build(read_values(), shop, permissions_of(request), typed=typed, errors=error.errors)
        return fragments.answer(request, "settings_shop", found, status=422)
    if entry is None:
        messages.info(request, "Nothing was different, so nothing was changed.")
    else:
        undo = reverse("settings-shop-undo", args=[entry.pk])
        tell(request, "Saved. In force from now on.", undo)
    return redirect("settings")


@require_POST
@needs(roles.EDIT_SHOP)
def undo_shop_settings(request: HttpRequest, shop: Shop, pk: int) -> HttpResponse:
    """Back to what was before one change."""
    entry = get_object_or_404(AuditEntry, pk=pk, action=CHANGED)
    if undo_change(entry=entry, by=person_of(request)):
        messages.success(request, "Undone: the shop is as it was before.")
    else:
        messages.error(request, "Somebody changed the shop since, so nothing was undone.")
    return redirect("settings")
