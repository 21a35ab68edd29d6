"""What requests bring and answers hold, as Pydantic models."""
