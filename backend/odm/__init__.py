"""MongoDB: documents, their indexes and the repository; the only home of the driver."""
