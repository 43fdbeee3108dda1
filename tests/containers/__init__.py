"""The images and the compose files, built and run in a Docker engine of their own: `make images`."""
