"""One class for each kind of thing that two stores may tell differently."""
