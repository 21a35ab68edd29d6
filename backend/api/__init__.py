"""HTTP: the ASGI layers, the controllers and what they take and answer."""
