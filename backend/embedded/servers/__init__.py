"""One class for each real server."""
