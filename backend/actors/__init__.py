"""One class per background job, and what a worker process runs beside them."""
