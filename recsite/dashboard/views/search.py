from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from recsite.dashboard.access import sees
from recsite.dashboard.pages import search as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views.fragments import htmx


@sees
def search(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Results beneath a search box as one types (``kinds`` narrows, ``id`` is the box's); else the whole page."""
    text = request.GET.get("q", "")
    if asked := htmx(request):
        kinds = tuple(kind for kind in request.GET.get("kinds", "").split(",") if kind in page.KINDS)
        found = page.find(text, shop, kinds=kinds or page.KINDS, box=request.GET.get("id") or asked.trigger or "search")
        return render(request, found.template, {"c": found})
    found_page = page.build(text, shop)
    options = [option for group in found_page.results.groups for option in group.options]
    if len(options) == 1:
        return redirect(options[0].href)
    return render(request, "dashboard/search.html", {"page": found_page})
