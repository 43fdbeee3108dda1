"""The harness's own servers, with a corner of them for one run alone."""

import os
import signal
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from minio import Minio
from pymongo import MongoClient

from deploy.local import __main__ as local
from deploy.local.errors import ServerNotInstalled
from deploy.local.mongodb import Mongodb
from deploy.local.packages import missing
from deploy.local.process import LongProcess, program, run
from deploy.local.rabbitmq import USER, RabbitMQ
from deploy.local.seaweedfs import SeaweedFS
from loadtest.broker import Management
from shared.objects.s3 import MARK

CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
ENOUGH = "200MB"
IMPOSSIBLE = "9000GB"
DEAD = ".dead"
ABSENT = "detector."
ECHO = "chaos."
OUTBOXES = {
    "task_manager": ("tasks", "images", "removed"),
    "subtask_manager": ("subtasks",),
    "consensus": ("runs",),
    "accounts": ("teams", "people", "sessions", "keys", "invitations", "devices"),
}
"""The collections of each service that hold events until they are published."""
WITH_DATABASE = (*OUTBOXES, "notifier")


@dataclass(frozen=True)
class Servers:
    """RabbitMQ, S3 and MongoDB's protocol in a folder; `run` names this run's databases, bucket and virtual host."""

    folder: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])

    @property
    def rabbitmq(self) -> RabbitMQ:
        return RabbitMQ.kept_in(self.folder / RabbitMQ.name)

    @property
    def s3(self) -> SeaweedFS:
        return SeaweedFS.kept_in(self.folder / SeaweedFS.name)

    @property
    def mongodb(self) -> Mongodb:
        return Mongodb.kept_in(self.folder / Mongodb.name)

    def missing(self) -> list[str]:
        """Programs that are not installed."""
        return [name for server in (self.rabbitmq, self.s3, self.mongodb) for name in missing(server)]

    def start(self) -> None:
        assert local.start(self.folder, [self.rabbitmq, self.s3, self.mongodb]), "the servers do not come up"
        self._management.ask("PUT", f"vhosts/{self.vhost}")
        self.let_in()

    def let_in(self) -> None:
        """Let this run work on its virtual host."""
        self._management.ask(
            "PUT", f"permissions/{self.vhost}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"}
        )

    def shut_out(self) -> None:
        """Close this run's connections to the broker and take no new ones; other runs notice nothing."""
        self._management.ask("DELETE", f"permissions/{self.vhost}/{USER}")
        self._control("close_all_connections", "--vhost", self.vhost, "the harness says so")

    def lose_events(self) -> None:
        """The broker comes back empty, for this run alone: no exchange, no queue, no event."""
        self._management.ask("DELETE", f"vhosts/{self.vhost}")
        self._management.ask("PUT", f"vhosts/{self.vhost}")
        self.let_in()

    def leave(self) -> None:
        """Remove this run's corner."""
        if self.rabbitmq.is_up():
            self._management.ask("DELETE", f"vhosts/{self.vhost}")
        if self.mongodb.is_up():
            with self.mongo() as client:
                for service in WITH_DATABASE:  # by name: nx-27017 opens all files to list them, and others drop theirs
                    client.drop_database(self.database(service))

    def stop(self) -> None:
        local.stop(self.folder, [self.rabbitmq, self.s3, self.mongodb])

    @property
    def vhost(self) -> str:
        return f"chaos-{self.run}"

    @property
    def bucket(self) -> str:
        return f"chaos-{self.run}"

    def database(self, service: str) -> str:
        return f"chaos_{self.run}_{service}"

    @property
    def amqp_url(self) -> str:
        return f"{self.rabbitmq.environment()['QUORATE_AMQP_URL']}{quote(self.vhost)}"

    def mongo(self) -> MongoClient:
        url = self.mongodb.environment()["QUORATE_MONGO_URL"]
        return MongoClient(url, serverSelectionTimeoutMS=5000, socketTimeoutMS=30_000)

    def environment(self, service: str, s3_endpoint: str) -> dict[str, str]:
        """What a service has to be told."""
        return {
            **self.mongodb.environment(),
            **self.s3.environment(),
            "QUORATE_AMQP_URL": self.amqp_url,
            "QUORATE_MONGO_DATABASE": self.database(service),
            "QUORATE_S3_BUCKET": self.bucket,
            "QUORATE_S3_ENDPOINT": s3_endpoint,
        }

    def queued(self, *, has_detector: bool) -> dict[str, int]:
        """What is in the queues of those who are there to handle it, delivered or not."""
        queues = self._management.depths(self.vhost)
        passed_over = (ECHO,) if has_detector else (ECHO, ABSENT)
        return {
            name: count
            for name, count in queues.items()
            if not name.endswith(DEAD) and not name.startswith(passed_over)
        }

    def unpublished(self) -> Iterator[tuple[str, int]]:
        """Documents whose events have not been published."""
        with self.mongo() as client:
            for service, names in OUTBOXES.items():
                database = client[self.database(service)]
                for name in names:
                    waiting = database[name].find({"pending_at": {"$gt": 0}}, {"_id": 1})
                    yield f"outbox of {name}", len(list(waiting))

    def object_keys(self) -> set[str]:
        said = self.s3.environment()
        host = urlsplit(said["QUORATE_S3_ENDPOINT"]).netloc
        keys = said["QUORATE_S3_ACCESS_KEY"], said["QUORATE_S3_SECRET_KEY"]
        listed = Minio(host, *keys, secure=False).list_objects(self.bucket, recursive=True)
        names = {listed_object.object_name or "" for listed_object in listed}
        return names - {MARK}  # it is none of an image

    def named_keys(self) -> set[str]:
        with self.mongo() as client:
            return {
                image["object_key"]
                for image in client[self.database("task_manager")]["images"].find({}, {"object_key": 1})
            }

    def demand_disk(self, *, is_impossible: bool) -> None:
        """Have the broker believe that its disk is too full, or not any more."""
        limit = IMPOSSIBLE if is_impossible else ENOUGH
        self._control("set_disk_free_limit", limit)

    def _control(self, *arguments: str) -> None:
        settings = self.rabbitmq._settings()
        run([CONTROL, "-n", settings["RABBITMQ_NODENAME"], *arguments], env=settings)

    @property
    def _management(self) -> Management:
        return Management(self.rabbitmq.environment()["RABBITMQ_MANAGEMENT_URL"])


def gateway_program() -> str:
    """Raises ServerNotInstalled, with its name."""
    return program("nginx")


def missing_gateway() -> list[str]:
    try:
        gateway_program()
    except ServerNotInstalled:
        return ["nginx"]
    return []


def send(process: LongProcess, number: signal.Signals) -> None:
    pid = process.pid()
    assert pid is not None, f"{process.name} ended by itself\n{process.tail()}"
    os.kill(pid, number)
