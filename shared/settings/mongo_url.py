"""What a MongoDB URL may say: how safely and how long to write and read is not up to it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CONNECT_S = 5
ELECTION_S = 15
"""So long a command waits for a primary: an election takes ten to twelve seconds."""
ANSWER_S = 20
"""So long a command may take, with all its tries. The server gives up then as well."""

CLIENT_OPTIONS: Mapping[str, Any] = {
    "w": "majority",
    "journal": True,
    "readConcernLevel": "majority",
    "readPreference": "primary",
    "timeoutMS": ANSWER_S * 1000,
    "serverSelectionTimeoutMS": ELECTION_S * 1000,
    "connectTimeoutMS": CONNECT_S * 1000,
}
"""A majority acknowledges each write from its disk, and reads see only what a majority has: an answer may rest on what
was read, and must not be lost with a primary."""
_REFUSED = {
    "maxpoolsize": "set QUORATE_MONGO_CONNECTIONS instead",
    "sockettimeoutms": f"a command may take {ANSWER_S} s in all",
    "waitqueuetimeoutms": f"a command may take {ANSWER_S} s in all",
    "wtimeoutms": f"a command may take {ANSWER_S} s in all",
}


def checked(url: str) -> str:
    """The URL. Raises ValueError where it says what this platform decides, in another way."""
    ours = {name.lower(): str(value).lower() for name, value in CLIENT_OPTIONS.items()}
    for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True):
        known = name.lower()
        if known in _REFUSED:
            raise ValueError(f"take {name} out of the URL: {_REFUSED[known]}")
        if known in ours and value.lower() != ours[known]:
            raise ValueError(f"take {name} out of the URL: it is always {ours[known]}")
    return url
