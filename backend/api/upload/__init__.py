"""How a video comes in: from the unread request to a file in staging."""
