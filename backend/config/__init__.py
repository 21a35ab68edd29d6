"""Entry points, settings and the composition root."""
