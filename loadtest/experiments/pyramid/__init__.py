"""System A's experiment: replicas, processor and response times while the load rises and falls."""
