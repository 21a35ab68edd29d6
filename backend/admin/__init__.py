"""The Django admin site: what staff look at, and may not change behind the rules."""
