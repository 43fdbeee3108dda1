"""For the people who run the platform: dead letters, status, and the replicas that report."""
