"""What people and programs read about the API: the parts of the OpenAPI document."""
