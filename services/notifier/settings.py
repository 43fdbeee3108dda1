"""What the notifier can be told, by environment variables with the prefix `QUORATE_`."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from services.notifier.delivery import Schedule
from shared.fetching.addresses import Network, networks_in
from shared.http.serving import ServerSettings
from shared.settings import AmqpSettings, CallerSettings, MongoSettings, Networks

DAY_S = 86_400.0
RECORDED_S = 20.0
"""So long after its bound a try may take until what came of it is saved."""


class WebhookSettings(ServerSettings):
    """How webhooks are sent, by a notifier alone or within the embedded platform."""

    webhook_networks: Annotated[
        Networks,
        Field(
            description="networks (`10.1.0.0/16`), comma separated, whose addresses webhooks may have though they are"
            " not public, also with `http`; none: webhooks reach only the open network, by `https`"
        ),
    ] = ""
    webhook_timeout_s: Annotated[
        float, Field(gt=0, le=60, description="seconds within which a receiver of a webhook has to answer")
    ] = 10.0
    webhook_pause_s: Annotated[
        float,
        Field(
            gt=0,
            le=3_600,
            description="seconds between the first try of a delivery and the next; then three times as long each time",
        ),
    ] = 5.0
    webhook_longest_pause_s: Annotated[
        float, Field(gt=0, le=DAY_S, description="the longest pause between two tries, in seconds")
    ] = 3_600.0
    webhook_keep_s: Annotated[
        float, Field(gt=0, le=7 * DAY_S, description="seconds after which a delivery that did not arrive expires")
    ] = DAY_S

    @property
    def networks(self) -> Sequence[Network]:
        return networks_in(self.webhook_networks)

    @property
    def schedule(self) -> Schedule:
        return Schedule(
            first_s=self.webhook_pause_s,
            longest_s=self.webhook_longest_pause_s,
            keep_s=self.webhook_keep_s,
            claim_s=self.webhook_timeout_s + RECORDED_S,
        )


class NotifierSettings(WebhookSettings, MongoSettings, AmqpSettings, CallerSettings):
    """Settings of a notifier by itself."""

    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")] = (
        "quorate_webhooks"
    )
