"""The Postman collection: what it is made from, and newman, which runs it."""
