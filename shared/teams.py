"""Keys of what teams have, in indexes that all teams share: each team's lie in a range of their own.

The first team's keys are as they were before there were teams, so nothing that is stored has to be changed.
"""

FIRST_TEAM = "first"
"""The team of a fresh platform, and of all that is older than teams."""
LAST = "\U0010ffff"
"""Greater than every character of a key."""


def key_in(team: str, key: str) -> str:
    """A key as it stands in the index."""
    return key if team == FIRST_TEAM else f"{LAST}{team}/{key}"


def key_without(team: str, stored: str) -> str:
    """The key of which `key_in` made this."""
    return stored[len(key_in(team, "")) :]


def end_of(team: str) -> str:
    """Greater than every key of the team, and no greater than any of a later range."""
    return LAST if team == FIRST_TEAM else f"{LAST}{team}/{LAST}"
