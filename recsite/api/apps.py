from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "recsite.api"
    label = "api"
