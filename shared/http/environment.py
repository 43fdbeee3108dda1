"""What a process was told by its environment: names that no setting has, and what is set, for the log."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import SecretStr
from pydantic_settings import BaseSettings

CLOSE = 0.86
"""How like one of this service's settings a name is: those of other services are less, most slips of the keyboard
more."""
HIDDEN = "***"


def misspelt(kind: type[BaseSettings], names: Iterable[str]) -> dict[str, str]:
    """Variables that are nearly those of settings, and the settings that are meant."""
    prefix = kind.model_config.get("env_prefix", "")
    settings = [name.upper() for name in kind.model_fields]
    slips = {
        name: get_close_matches(name.upper().removeprefix(prefix), settings, n=1, cutoff=CLOSE)
        for name in unread(kind, names)
    }
    return {name: prefix + close[0] for name, close in slips.items() if close}


def unread(kind: type[BaseSettings], names: Iterable[str]) -> list[str]:
    """Variables with the prefix of the settings that are none of them. Other services and the command line have their
    own, so these may be right."""
    prefix = kind.model_config.get("env_prefix", "")
    known = {prefix + name.upper() for name in kind.model_fields}
    return sorted(name for name in names if name.upper().startswith(prefix) and name.upper() not in known)


def told(settings: BaseSettings) -> dict[str, Any]:
    """What is set otherwise than by default, with secrets hidden."""
    shown: dict[str, Any] = {}
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if value != field.default:
            shown[name] = HIDDEN if isinstance(value, SecretStr) else value
    return shown
