"""Real PostgreSQL, MongoDB, Redis and S3 servers from wheels, and the launcher of the whole system."""
