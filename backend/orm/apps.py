from django.apps import AppConfig


class OrmConfig(AppConfig):
    name = "backend.orm"
    label = "orm"
    verbose_name = "Tables"
