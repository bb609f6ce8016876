from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from catalog.models import Product
from recsite.dashboard.access import sees
from recsite.dashboard.pages import product as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def product(request: HttpRequest, shop: Shop, external_id: str) -> HttpResponse:
    """One product by the shop's own id."""
    found = get_object_or_404(Product.objects.select_related("category"), external_id=external_id)
    permissions = frozenset(request.user.get_all_permissions())
    return fragments.answer(request, "product", page.build(found, request.GET.dict(), shop, permissions=permissions))
