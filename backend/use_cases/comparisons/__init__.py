"""One class for each kind of thing on which two stores may differ."""
