"""People and programs that use the platform, for Locust: clients, operators, and clients of the detector."""
