"""What stops a measurement, a demonstration or a load test."""


class MeasurementFailed(Exception):
    """There is nothing to measure, or it could not be measured; the text says why."""


class PlatformFailed(MeasurementFailed):
    """The platform did not start, or ended by itself; the text says what it said last."""
