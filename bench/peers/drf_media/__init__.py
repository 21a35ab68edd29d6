"""Django REST Framework with simplejwt under gunicorn, on the tables that are ours.

As their documentation says: generic views, model serializers, `select_related`,
persistent connections, no browsable API, no sessions and no debugging.
"""
