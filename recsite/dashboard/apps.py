from django.apps import AppConfig


class DashboardConfig(AppConfig):
    name = "recsite.dashboard"
    label = "dashboard"
