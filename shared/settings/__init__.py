"""Settings of the servers that the distributed services work on. Secrets have no defaults."""

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, SecretStr

from shared.clock import Clock
from shared.errors import Invalid
from shared.fetching.addresses import networks_in
from shared.http.serving import ServerSettings, UnsafeSettings
from shared.settings.mongo_url import checked
from shared.telemetry import Telemetry

if TYPE_CHECKING:
    from shared.bus import Bus
    from shared.bus.rabbitmq import RabbitBus
    from shared.identity.callers import Callers
    from shared.mongo.connection import Mongo, MongoDatabase
    from shared.objects.s3 import S3ObjectStore


MONGODB, RABBITMQ, S3 = "MongoDB", "RabbitMQ", "S3"
"""The servers, as health and metrics name them."""


def _networks(text: str) -> str:
    """Raises ValueError where they cannot be read."""
    try:
        networks_in(text)
    except Invalid as error:
        raise ValueError(error.detail) from None
    return text


Networks = Annotated[str, AfterValidator(_networks)]
"""Networks that the guarded client lets through, as `networks_in` reads them."""


class ArchiveSettings(ServerSettings):
    """How large a zip may be: the task manager keeps to it, and the subtask manager tells callers."""

    max_archive_entries: Annotated[int, Field(ge=1, description="entries of one zip")] = 10_000
    max_archive_bytes: Annotated[int, Field(ge=1, description="size of one zip, packed and unpacked, in bytes")] = (
        2_000_000_000
    )


class ObjectSettings(ServerSettings):
    """How images are handed out."""

    image_url_s: Annotated[
        int, Field(ge=60, le=604_000, description="how long an image's URL lives at the least, in seconds")
    ] = 3600


class BusSettings(ServerSettings):
    """How events are tried."""

    delivery_limit: Annotated[
        int, Field(ge=1, le=1000, description="how often an event is tried before it is a dead letter")
    ] = 10


class S3Settings(ObjectSettings):
    """Where images are kept."""

    s3_endpoint: Annotated[str, Field(description="URL of the S3 server, as the services reach it")]
    s3_public_endpoint: Annotated[
        str | None, Field(description="URL of the S3 server, as browsers reach it; none: the same")
    ] = None
    s3_access_key: Annotated[SecretStr, Field(description="access key of the S3 server")]
    s3_secret_key: Annotated[SecretStr, Field(description="secret key of the S3 server")]
    s3_bucket: Annotated[str, Field(description="bucket for images; made where it is missing")] = "quorate"
    s3_region: Annotated[str, Field(description="region that URLs are signed for")] = "us-east-1"

    def objects(self, telemetry: Telemetry, *, cache_bytes: int = 0) -> "S3ObjectStore":
        """cache_bytes: how much of the objects used last is kept in memory."""
        from shared.objects.s3 import S3ObjectStore  # noqa: PLC0415 - the embedded platform starts without it

        return S3ObjectStore(
            endpoint=self.s3_endpoint,
            public_endpoint=self.s3_public_endpoint,
            access_key=self.s3_access_key.get_secret_value(),
            secret_key=self.s3_secret_key.get_secret_value(),
            bucket=self.s3_bucket,
            region=self.s3_region,
            url_lifetime_s=self.image_url_s,
            cache_bytes=cache_bytes,
            observed=telemetry.metrics.calls.of(S3),
        )


class AmqpSettings(BusSettings):
    """Where events are carried."""

    amqp_url: Annotated[SecretStr, Field(description="URL of RabbitMQ, `amqp://user:password@host:port/vhost`")]

    def bus(self, service: str, clock: Clock, telemetry: Telemetry) -> "RabbitBus":
        from shared.bus.rabbitmq import RabbitBus  # noqa: PLC0415 - the embedded platform starts without it

        return RabbitBus(
            self.amqp_url.get_secret_value(),
            clock,
            service=service,
            delivery_limit=self.delivery_limit,
            observed=telemetry.metrics.calls.of(RABBITMQ),
        )


def _checked(url: SecretStr) -> SecretStr:
    return SecretStr(checked(url.get_secret_value()))


MongoUrl = Annotated[SecretStr, AfterValidator(_checked)]
Connections = Annotated[int, Field(ge=1, le=1_000, description="connections to MongoDB that a process opens at most")]


class MongoSettings(ServerSettings):
    """Where a service keeps its state."""

    mongo_url: Annotated[MongoUrl, Field(description="URL of MongoDB, `mongodb://user:password@host:port/`")]
    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")]
    mongo_connections: Connections = 20

    def mongo(self, telemetry: Telemetry) -> "Mongo":
        return opened_mongo(self.mongo_url, self.mongo_database, self.mongo_connections, telemetry)


def opened_mongo(url: SecretStr, database: str, connections: int, telemetry: Telemetry) -> "Mongo":
    """A database, to which its first command connects."""
    from shared.mongo.connection import Mongo  # noqa: PLC0415 - the embedded platform starts without it

    return Mongo(url.get_secret_value(), database, connections, telemetry.metrics.calls.of(MONGODB))


class CallerSettings(ServerSettings):
    """How a distributed service knows its callers."""

    verifying_keys: Annotated[
        str,
        Field(
            description="public halves of the keys that sign access tokens, `<name>:<32 bytes in hex>`, comma"
            " separated; needed where QUORATE_AUTH=on"
        ),
    ] = ""

    def callers(self, service: str, database: "MongoDatabase", bus: "Bus", clock: Clock) -> "Callers":
        """Who callers are. database: the service's own. Raises UnsafeSettings."""
        from shared.identity import callers  # noqa: PLC0415 - the embedded platform starts without MongoDB
        from shared.identity.tokens import Verifier, public_keys_in  # noqa: PLC0415
        from shared.identity.told_records import ToldRecords  # noqa: PLC0415

        if self.auth != "on":
            return callers.AnyCallers()
        try:
            verifier = Verifier(public_keys_in(self.verifying_keys))
        except ValueError as error:
            raise UnsafeSettings(f"QUORATE_AUTH=on needs QUORATE_VERIFYING_KEYS: {error}") from None
        records = ToldRecords(database["access"], bus, clock, service)
        return callers.KnownCallers(service, records, verifier, clock)


class StatelessSettings(AmqpSettings, S3Settings, CallerSettings):
    """Of a service that keeps nothing but who may come, and that only where callers are asked who they are."""

    mongo_url: Annotated[
        MongoUrl | None,
        Field(description="URL of MongoDB, where such a service keeps who may come; needed where QUORATE_AUTH=on"),
    ] = None
    mongo_database: Annotated[str, Field(min_length=1, max_length=60, description="database of this service alone")]
    mongo_connections: Connections = 20

    def known(self, service: str, bus: "Bus", clock: Clock, telemetry: Telemetry) -> tuple["Mongo | None", "Callers"]:
        """Who callers are, and the server where that is kept; none with authentication off. Raises UnsafeSettings."""
        from shared.identity.callers import AnyCallers  # noqa: PLC0415 - the embedded platform starts without MongoDB

        if self.auth != "on":
            return None, AnyCallers()
        if self.mongo_url is None:
            raise UnsafeSettings(f"QUORATE_AUTH=on needs QUORATE_MONGO_URL: the {service} keeps there who may come")
        mongo = opened_mongo(self.mongo_url, self.mongo_database, self.mongo_connections, telemetry)
        return mongo, self.callers(service, mongo.database, bus, clock)
