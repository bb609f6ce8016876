"""The console's addresses. Ids are the shop's own and may hold anything, so they are paths."""

from django.urls import URLPattern, path

from recsite.dashboard.views.appearance import appearance
from recsite.dashboard.views.gallery import gallery
from recsite.dashboard.views.overview import front
from recsite.dashboard.views.preview import preview
from recsite.dashboard.views.product import product
from recsite.dashboard.views.products import products
from recsite.dashboard.views.search import search
from recsite.dashboard.views.setup import setup
from recsite.dashboard.views.shopper import shopper, visitor
from recsite.dashboard.views.shoppers import shoppers

urlpatterns: list[URLPattern] = [
    path("", front, name="overview"),
    path("preview/", preview, name="preview"),
    path("setup/", setup, name="setup"),
    path("search/", search, name="search"),
    path("shoppers/", shoppers, name="shoppers"),
    path("shoppers/<path:external_id>/", shopper, name="shopper"),
    path("visitors/<path:external_id>/", visitor, name="visitor"),
    path("products/", products, name="products"),
    path("products/<path:external_id>/", product, name="product"),
    path("appearance/", appearance, name="appearance"),
    path("gallery/", gallery, name="gallery"),
]
