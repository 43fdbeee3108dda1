"""How much of the raw engine's speed the detection service gives to its callers."""
