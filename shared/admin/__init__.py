"""What the platform tells the people who run it: dead letters, what waits, and which replicas there are."""
