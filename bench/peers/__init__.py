"""What others would write: run by their own interpreters, never imported."""
