"""How a video comes in: from the unread request to a sealed file in staging."""
