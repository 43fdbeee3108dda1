"""Simulated people: raw connections at full speed (this package), and paced people by Locust (`loadtest.people`)."""
