from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from recsite.dashboard.access import permissions_of, sees
from recsite.dashboard.pages import placements as page
from recsite.dashboard.shop import Shop
from recsite.dashboard.views import fragments


@sees
def placements(request: HttpRequest, shop: Shop) -> HttpResponse:
    """Every placement with the list that it makes now, for whom the address names."""
    permissions = permissions_of(request)
    return fragments.answer(request, "placements", page.build(request.GET.dict(), shop, permissions=permissions))
