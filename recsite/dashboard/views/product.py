from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from catalog.models import Product
from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.pages import product as page
from recsite.dashboard.pages.product_more import PART
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def product(request: HttpRequest, shop: Shop, external_id: str) -> HttpResponse:
    """One product by the shop's own id; with ``?part=more`` its lower half alone."""
    found = get_object_or_404(Product.objects.select_related("category"), external_id=external_id)
    params, permissions = request.GET.dict(), permissions_of(request)
    if params.get(PART) == "more":
        more = page.build_more(found, params, shop, permissions=permissions)
        return render(request, "dashboard/_product_more.html", {"more": more})
    return fragments.answer(request, "product", page.build(found, params, shop, permissions=permissions))
