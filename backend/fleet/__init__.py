"""The worker service: dramatiq's workers, each under a master of its own."""
