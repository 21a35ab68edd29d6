"""Measurements against peers, side by side: what a claim of speed rests on."""
