"""The shop's door: every address under /api/v1/."""

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from recsite.api.views.events import EventsView
from recsite.api.views.health import LiveView, ReadyView
from recsite.api.views.privacy import EraseVisitorView, ExportView
from recsite.api.views.products import ProductsView, ProductView
from recsite.api.views.recommendations import RecommendationsView
from recsite.api.views.shoppers import MergeView, ShopperView

# The docs page sets styles from its own script; scripts stay the site's own files.
docs = csp_update({"style-src": [SELF, UNSAFE_INLINE]})(SpectacularSwaggerSplitView.as_view(url_name="schema"))

urlpatterns: list[URLPattern] = [
    path("recommendations", RecommendationsView.as_view(), name="recommendations"),
    path("events", EventsView.as_view(), name="events"),
    path("products", ProductsView.as_view(), name="products-api"),
    path("products/<path:product_id>", ProductView.as_view(), name="product-api"),
    path("shoppers/<path:shopper_id>/merge", MergeView.as_view(), name="merge-api"),
    path("shoppers/<path:shopper_id>/export", ExportView.as_view(), name="export-api"),
    path("shoppers/<path:shopper_id>", ShopperView.as_view(), name="shopper-api"),
    path("visitors/<path:visitor_id>", EraseVisitorView.as_view(), name="visitor-api"),
    path("health/live", LiveView.as_view(), name="live"),
    path("health/ready", ReadyView.as_view(), name="ready"),
    path("schema/", SpectacularAPIView.as_view(authentication_classes=[], permission_classes=[]), name="schema"),
    path("docs/", docs, name="docs"),
]
