"""The outside world: object store, staging, extractor, queue, tokens, passwords, clock."""
