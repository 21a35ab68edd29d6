"""One class per goal that has a rule, and the ports it needs."""
