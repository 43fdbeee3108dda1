"""The distributed platform on servers of its own: replicas as processes, nginx before them, and what befalls them."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from deploy.local import identity
from deploy.local.platform import Platform, Replica
from deploy.local.process import LongProcess
from deploy.local.server_folder import HOST
from loadtest.command import ROOT
from tests.chaos.echo import Echo
from tests.chaos.embedded_world import LINK
from tests.chaos.in_thread import InThread
from tests.chaos.model import write_model
from tests.chaos.s3_proxy import KINDS
from tests.chaos.servers import Servers, gateway_program, send
from tests.chaos.triggers import COLLECT, COLLECTED, VARIABLE, Triggers
from tests.chaos.world import Fault
from tests.contract import faulty_proxy
from tests.contract.faulty_proxy import Proxy

LEASE_S = 3.0
TOLD_ANEW_S = 60.0
TELLS_ANEW = ("task_manager", "subtask_manager")
COLLECTED_S = 30.0
SETTINGS = {"QUORATE_LOG_LEVEL": "warning", "QUORATE_HOST": HOST}


class DistributedWorld:
    """`replicas` of each service; `folder` is for one run, `servers` are kept between runs.

    dies: the service that a crash point is for.
    """

    name = "distributed"
    is_every_info_late = True

    def __init__(
        self,
        servers: Path,
        folder: Path,
        *,
        replicas: int = 2,
        has_detector: bool = True,
        keeps_servers: bool = False,
        dies: str = "",
        arguments: tuple[str, ...] = (),
        lease_s: float = LEASE_S,
        has_accounts: bool = False,
    ) -> None:
        self.explained = frozenset({502, 503, 504})
        self.left_out = {
            "loss of a database replica": "nx-27017 is no replica set",
            "disk full": "only the broker is told that its disk is; the services keep nothing on theirs",
        }
        self.servers = Servers(servers)
        self.triggers = Triggers(folder / "triggers")
        self._folder = folder
        self._replicas = replicas
        self._lease_s = lease_s
        self._model = write_model(folder) if has_detector else None
        self._keeps_servers = keeps_servers
        self._dies = dies
        self._arguments = arguments
        self._keys = [identity.pair("key_0")] if has_accounts else []
        self._keys_made = len(self._keys)
        self._platform: Platform | None = None
        self._proxy: InThread[Proxy] | None = None
        self._echo: Echo | None = None
        self._starts = 0

    @property
    def url(self) -> str:
        return self.platform.gateway().url

    @property
    def platform(self) -> Platform:
        assert self._platform is not None, "the world has not been started"
        return self._platform

    def start(self, crash_at: str | None = None) -> None:
        gateway_program()
        self.servers.start()
        self._proxy = InThread(faulty_proxy.before(self.servers.s3.environment()["QUORATE_S3_ENDPOINT"])).start()
        self._platform = Platform(
            folder=self._folder, environment={}, replicas=self._replicas, model=self._model, settings=self._settings()
        )
        members = self.platform.members()
        for member in members:
            self._launch(member, crash_at if member.service == self._dies else None)
        for member in members:
            member.await_ready()
        self.platform.gateway().start()
        self._echo = Echo(self.servers.amqp_url, seed=1)
        self._echo.start()

    def stop(self) -> None:
        if self._echo is not None:
            self._echo.stop()
        for process in self._processes():
            if (pid := process.pid()) is not None:
                os.kill(pid, signal.SIGCONT)
        if self._platform is not None:
            self._platform.gateway().stop()
            for member in self._platform.members():
                member.process.kill()
        if self._proxy is not None:
            self._proxy.stop()
        self.servers.leave()
        if not self._keeps_servers:
            self.servers.stop()

    def first_links(self) -> list[str]:
        replicas = self._members("accounts")
        return [link for replica in replicas for link in LINK.findall(replica.process.log.read_text())]

    def faults(self) -> Mapping[str, Fault]:
        found: dict[str, Fault] = {
            "kill the broker": self._kill_broker,
            "freeze the broker": lambda chance: self._freeze(self.servers.rabbitmq._node, chance),
            "the broker's disk is full": self._fill_broker,
            "lose all that the broker holds": self._lose_events,
            "kill the database": self._kill_database,
            "freeze the database": lambda chance: self._freeze(self.servers.mongodb._process, chance),
            "events again and out of order": self._redeliver,
        }
        for service in dict.fromkeys(member.service for member in self.platform.members()):
            found[f"kill a {service}"] = partial(self._kill_one, service)
            found[f"kill every {service}"] = partial(self._kill_every, service)
            found[f"freeze a {service}"] = partial(self._freeze_one, service)
        for kind, fault in KINDS.items():
            found[kind] = partial(self._fail_s3, fault)
        return found

    def replace_signing_key(self) -> None:
        """First everybody knows both keys, then the new one signs."""
        old, new = self._keys[0], identity.pair(f"key_{self._keys_made}")
        self._keys_made += 1
        services = list(dict.fromkeys(member.service for member in self.platform.members()))
        for keys, restarted in (([old, new], services), ([new, old], ["accounts"])):
            self._keys = keys
            self._platform = replace(self.platform, settings=self._settings())
            for number in range(self._replicas):
                self._restart([self._members(service)[number] for service in restarted])

    def backlog(self) -> dict[str, int]:
        found = dict(self.servers.unpublished()) | self.servers.queued(has_detector=self._model is not None)
        return {name: count for name, count in found.items() if count}

    def collect(self) -> None:
        self.triggers.clear(COLLECTED)
        self.triggers.set(COLLECT)
        self.triggers.await_set(COLLECTED, COLLECTED_S)

    def objects(self) -> set[str]:
        return self.servers.object_keys()

    def references(self) -> set[str]:
        return self.servers.named_keys()

    def ailments(self) -> list[str]:
        return [
            f"I9: {member.name} ended by itself" for member in self.platform.members() if member.process.pid() is None
        ]

    def log_tail(self) -> str:
        return "\n".join(f"--- {process.name}\n{process.tail()}" for process in self._processes())

    def replay(self) -> bool:
        """Deliver all events of late once more; says whether it was done."""
        assert self._echo is not None
        return self._echo.repeat()

    def revive(self) -> bool:
        """Start again what died by itself; says whether anything had."""
        dead = [member for member in self.platform.members() if member.process.pid() is None]
        for member in dead:
            self._launch(member)
        for member in dead:
            member.await_ready()
        return bool(dead)

    @property
    def restarts(self) -> int:
        return self._starts - len(self.platform.members())

    def cut(self) -> None:
        """The broker is gone, for this world alone."""
        self.servers.shut_out()

    def mend(self) -> None:
        self.servers.let_in()

    def kill(self) -> None:
        """Every process of the platform at once, and start again."""
        for member in self.platform.members():
            member.process.kill()
        self.revive()

    def _processes(self) -> list[LongProcess]:
        found = [self.servers.rabbitmq._node, self.servers.mongodb._process]
        if self._platform is not None:
            found += [member.process for member in self._platform.members()]
        return found

    def _told(self, service: str) -> dict[str, str]:
        """Where a service finds its servers."""
        assert self._proxy is not None
        return self.servers.environment(service, self._proxy.server.url)

    def _launch(self, replica: Replica, crash_at: str | None = None) -> None:
        environment = {
            **self._told(replica.service),
            **replica.environment,
            **SETTINGS,
            "QUORATE_PORT": str(replica.port),
            "QUORATE_LEASE_S": str(self._lease_s),
            "HOME": os.environ.get("HOME", "/nonexistent"),
            "PYTHONPATH": str(ROOT),
            VARIABLE: str(self.triggers.folder),
        }
        if crash_at is not None:
            environment["QUORATE_CRASH_AT"] = crash_at
        module = f"services.{replica.service}"
        command = [sys.executable, "-P", "-m", "tests.chaos.launcher", module, *self._arguments]
        replica.process.start(command, environment)
        self._starts += 1

    def _settings(self) -> dict[str, str]:
        return identity.settings(self._keys) if self._keys else {}

    def _restart(self, members: list[Replica]) -> None:
        for member in members:
            member.process.kill()
        self.revive()

    def _members(self, service: str) -> list[Replica]:
        return [member for member in self.platform.members() if member.service == service]

    def _kill_one(self, service: str, chance: random.Random) -> None:
        self._kill_these([chance.choice(self._members(service))], chance)

    def _kill_every(self, service: str, chance: random.Random) -> None:
        self._kill_these(self._members(service), chance)

    def _kill_these(self, members: list[Replica], chance: random.Random) -> None:
        for member in members:
            send(member.process, signal.SIGKILL)
        for member in members:
            member.process.kill()
        time.sleep(chance.choice((0, 0.5, 1.5)))
        self.revive()

    def _freeze_one(self, service: str, chance: random.Random) -> None:
        self._freeze(chance.choice(self._members(service)).process, chance)

    def _freeze(self, process: LongProcess, chance: random.Random) -> None:
        send(process, signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4.0))
        send(process, signal.SIGCONT)

    def _kill_broker(self, chance: random.Random) -> None:
        self._kill_server(self.servers.rabbitmq.kill, self.servers.rabbitmq.start, chance)

    def _kill_database(self, chance: random.Random) -> None:
        self._kill_server(self.servers.mongodb.kill, self.servers.mongodb.start, chance)

    def _kill_server(self, kill: Callable[[], None], start: Callable[[], None], chance: random.Random) -> None:
        kill()
        time.sleep(chance.choice((0, 0.5, 2.0)))
        start()

    def _fill_broker(self, chance: random.Random) -> None:
        self.servers.demand_disk(is_impossible=True)
        time.sleep(chance.uniform(0.5, 3.0))
        self.servers.demand_disk(is_impossible=False)

    def _lose_events(self, _chance: random.Random) -> None:
        """What was lost is told anew, as an operator of the platform would do."""
        self.servers.lose_events()
        for service in TELLS_ANEW:
            self._tell_anew(service)

    def _tell_anew(self, service: str) -> None:
        """Until it has been done: servers may be away because of another fault."""
        environment = {**self._told(service), **SETTINGS, "HOME": os.environ.get("HOME", "/nonexistent")}
        command = [sys.executable, "-P", "-m", f"services.{service}", "republish"]
        until = time.monotonic() + TOLD_ANEW_S
        while True:
            run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
            if run.returncode == 0:
                return
            assert time.monotonic() < until, run.stderr
            time.sleep(0.5)

    def _fail_s3(self, fault: Callable, chance: random.Random) -> None:
        assert self._proxy is not None
        self._proxy.server.fail(fault)
        time.sleep(chance.uniform(0.5, 4.0))
        self._proxy.server.fail(None)

    def _redeliver(self, chance: random.Random) -> None:
        for _ in range(chance.randrange(1, 4)):
            time.sleep(chance.uniform(0.2, 1.0))
            self.replay()
