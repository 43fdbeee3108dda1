"""Where models are kept on a machine."""

import os
from pathlib import Path


def default_cache() -> Path:
    """A folder of the user, as the XDG base directory specification has it: a relative XDG_CACHE_HOME is ignored."""
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (home if home.is_absolute() else Path.home() / ".cache") / "quorate" / "models"
