"""What the accounts service can be told, by environment variables with the prefix `QUORATE_`."""

from typing import Annotated

from pydantic import Field

from services.accounts.credentials import Lifetimes
from shared.http.serving import ServerSettings

WEEK_S = 604_800.0


class AccountSettings(ServerSettings):
    """How long people stay signed in, in an accounts service alone or within the embedded platform."""

    session_idle_s: Annotated[
        float, Field(gt=0, le=WEEK_S, description="seconds without use after which a session of the page ends")
    ] = 43_200.0
    session_s: Annotated[
        float, Field(gt=0, le=30 * 86_400, description="seconds after which a session of the page ends in any case")
    ] = WEEK_S

    @property
    def lifetimes(self) -> Lifetimes:
        return Lifetimes(idle_s=self.session_idle_s, absolute_s=self.session_s)
