"""How often processes publish what waited for the broker: `make broker-away`."""
