"""The console's addresses. Ids are the shop's own and may hold anything, so they are paths."""

from django.urls import URLPattern, URLResolver, include, path

from recsite.dashboard.views.appearance import appearance
from recsite.dashboard.views.erase import erase
from recsite.dashboard.views.feedback import feedback
from recsite.dashboard.views.gallery import gallery
from recsite.dashboard.views.model import curves as model_curves
from recsite.dashboard.views.model import delete, model, promote, stop
from recsite.dashboard.views.model import progress as model_progress
from recsite.dashboard.views.model_schedule import model_schedule, undo_model_schedule
from recsite.dashboard.views.model_shadow import put_in_shadow, take_out_of_shadow
from recsite.dashboard.views.models import compare as model_compare
from recsite.dashboard.views.models import models, retrain, roll_back
from recsite.dashboard.views.overview import front
from recsite.dashboard.views.placement import placement, placement_delete, placement_new, placement_undo
from recsite.dashboard.views.placements import placements
from recsite.dashboard.views.preview import preview
from recsite.dashboard.views.product import product
from recsite.dashboard.views.products import products
from recsite.dashboard.views.search import search
from recsite.dashboard.views.setup import setup
from recsite.dashboard.views.shopper import shopper, visitor
from recsite.dashboard.views.shoppers import shoppers
from recsite.dashboard.views.tuning import stop_tuning, tuning, tuning_progress

urlpatterns: list[URLPattern | URLResolver] = [
    path("", front, name="overview"),
    path("placements/", placements, name="placements"),
    path("placements/new/", placement_new, name="placement-new"),
    path("placements/undo/<int:pk>/", placement_undo, name="placement-undo"),
    path("placements/<slug:slug>/", placement, name="placement"),
    path("placements/<slug:slug>/delete/", placement_delete, name="placement-delete"),
    path("experiments/", include("recsite.dashboard.experiment_urls")),
    path("preview/", preview, name="preview"),
    path("setup/", setup, name="setup"),
    path("search/", search, name="search"),
    path("shoppers/", shoppers, name="shoppers"),
    path("shoppers/<path:external_id>/", shopper, name="shopper"),
    path("erase/<str:kind>/<path:external_id>/", erase, name="erase"),
    path("visitors/<path:external_id>/", visitor, name="visitor"),
    path("products/", products, name="products"),
    path("products/<path:external_id>/", product, name="product"),
    path("rules/", include("recsite.dashboard.rule_urls")),
    path("settings/", include("recsite.dashboard.settings_urls")),
    path("models/", models, name="models"),
    path("models/retrain/", retrain, name="retrain"),
    path("models/roll-back/", roll_back, name="roll-back"),
    path("models/compare/", model_compare, name="model-compare"),
    path("models/schedule/", model_schedule, name="model-schedule"),
    path("models/schedule/undo/<int:pk>/", undo_model_schedule, name="model-schedule-undo"),
    path("models/tuning/", tuning, name="tuning"),
    path("models/tuning/<int:pk>/progress/", tuning_progress, name="tuning-progress"),
    path("models/tuning/<int:pk>/stop/", stop_tuning, name="tuning-stop"),
    path("models/<int:pk>/", model, name="model"),
    path("models/<int:pk>/progress/", model_progress, name="model-progress"),
    path("models/<int:pk>/curves/", model_curves, name="model-curves"),
    path("models/<int:pk>/stop/", stop, name="model-stop"),
    path("models/<int:pk>/promote/", promote, name="model-promote"),
    path("models/<int:pk>/shadow/", put_in_shadow, name="model-shadow"),
    path("models/<int:pk>/shadow/out/", take_out_of_shadow, name="model-shadow-out"),
    path("models/<int:pk>/delete/", delete, name="model-delete"),
    path("feedback/", feedback, name="feedback"),
    path("data/", include("recsite.dashboard.data_urls")),
    path("appearance/", appearance, name="appearance"),
    path("gallery/", gallery, name="gallery"),
]
