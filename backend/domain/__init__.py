"""The words and rules of the product: plain Python, no framework, no store."""
