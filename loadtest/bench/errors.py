"""What stops a benchmark."""


class BenchFailed(Exception):
    """The platform did not do what it was asked, so there is nothing to measure."""
