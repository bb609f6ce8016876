from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from behavior.models import Shopper
from recsite import erasure
from recsite.dashboard import roles
from recsite.dashboard.access import needs, person_of
from recsite.dashboard.addresses import shopper_url
from recsite.dashboard.pages import erase as page
from recsite.dashboard.reauthentication import asks_password
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import toasts


@require_http_methods(["GET", "HEAD", "POST"])
@asks_password
@needs(roles.ERASE)
def erase(request: HttpRequest, shop: Shop, kind: str, external_id: str) -> HttpResponseBase:
    """Ask (GET), then erase a shopper or visitor everywhere (POST, with their id typed)."""
    found = get_object_or_404(Shopper, kind=kind, external_id=external_id)
    if found.merged_into is not None:
        return redirect(shopper_url(found.merged_into))
    if request.method != "POST":
        return render(request, "dashboard/confirm.html", {"dialog": page.dialog(found)})
    if request.POST.get("confirm", "").strip() != found.external_id:
        messages.error(request, f"Nothing was erased: expected “{found.external_id}” typed in the field.")
        return redirect("erase", kind, external_id)
    made = erasure.erase(kind=kind, external_id=external_id, by=person_of(request), via="console")
    toasts.tell(request, page.told(made))
    return redirect("shoppers")
