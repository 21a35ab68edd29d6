"""PostgreSQL: Django models (they are the rows), repositories and ledgers."""
