from django.apps import AppConfig


class AdminPagesConfig(AppConfig):
    """Brings the templates; has no models."""

    name = "backend.admin"
    label = "admin_site"
