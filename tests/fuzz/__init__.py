"""`make fuzz`: schemathesis sends what the OpenAPI document allows and forbids.

It is no part of `make test`: it takes as long as it is given.
"""
