"""Programs of the server that take the place of `quorate`: the client imports none of them."""

import os
import sys
from importlib.util import find_spec
from typing import NoReturn

from quorate.exits import Exit
from quorate.terminal import say


def become(module: str, *arguments: str, needs: str) -> NoReturn:
    """Replace this process by a module's: signals and the exit code are its own then.

    needs: a library without which the server is not whole here; where it or the module is absent, the caller is told
    what to install.
    """
    if find_spec(module.partition(".")[0]) is None or find_spec(needs) is None:
        say("The server is not installed here. Install it with: pip install 'quorate[server]'")
        raise SystemExit(Exit.USAGE)
    # -P: not from the current folder.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606 - no shell is the point
