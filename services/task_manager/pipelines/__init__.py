"""Pipelines: what is done to the images of a task before people label them."""
