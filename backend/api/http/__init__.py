"""The ASGI layers around Django, and what every answer has in common."""
