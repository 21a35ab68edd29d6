"""`make docker-test`: the image and `compose.yml`, on a real Docker engine."""
