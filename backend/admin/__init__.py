"""The Django admin site: staff can view everything, but not bypass the rules."""
