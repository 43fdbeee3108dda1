"""What goes wrong here."""


class TrialFailed(Exception):
    """Something is not as the documents promise; the text says what."""


class NoEngine(TrialFailed):
    """No engine can be had on this machine; the text says what it takes."""
