"""What grows by design while people work, why, and where that ends."""

from loadtest.soak.series import Group


def why(group: Group, name: str) -> str:
    """Empty where nothing is known that lets it grow."""
    return next((text for title, prefix, text in KNOWN if group.title == title and name.startswith(prefix)), "")


KNOWN: tuple[tuple[str, str, str], ...] = ()
"""The title of a group, what a series' name begins with, and the reason with its bound."""
