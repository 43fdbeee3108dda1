"""The platform as deploy/compose ships it, in the engine: started, looked at, replaced, copied, taken down."""

import json
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.containers.engine import WORK, Engine
from tests.containers.errors import TrialFailed
from tests.containers.programs import run

FOLDER = f"{WORK}/deploy/compose"
STAND_INS = Path(__file__).parent / "compose.stand-ins.yaml"
URL = "http://localhost:8080"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as the engine tells of it."""

    name: str
    service: str
    id: str
    pid: int
    state: str
    """Its health where it has a check, else its state."""
    host_config: dict[str, Any]
    user: str
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A copy of deploy/compose and deploy/gateway in the engine's work folder, with secrets of its own."""

    engine: Engine

    def prepare(self, deploy: Path) -> None:
        """Copy the files and make secrets, with the stand-ins on top."""
        shutil.rmtree(self.engine.work / "deploy", ignore_errors=True)
        for name in ("compose", "gateway"):
            ignored = shutil.ignore_patterns(".env")
            shutil.copytree(deploy / name, self.engine.work / "deploy" / name, ignore=ignored)
        folder = self.engine.work / "deploy/compose"
        shutil.copy(STAND_INS, folder)
        self.script("./secrets.sh")
        with (folder / ".env").open("a") as env:
            env.write(f"COMPOSE_FILE=compose.yaml:{STAND_INS.name}\n")

    def compose(self, *arguments: str) -> str:
        """What a docker compose command printed. Raises TrialFailed."""
        return self.script("docker compose " + shlex.join(arguments))

    def script(self, command: str) -> str:
        """Run a script of deploy/compose where an operator would. Raises TrialFailed."""
        log = self.engine.work / "docker.log"
        return run([*self.engine.inside(), "sh", "-c", f"cd {FOLDER} && {command}"], log=log)

    def images(self) -> dict[str, str]:
        """The image of each service, as compose.yaml names it."""
        told = json.loads(self.compose("--profile=*", "config", "--format=json"))
        return {name: one["image"] for name, one in told["services"].items()}

    def up(self) -> None:
        """Start it and wait until everything is healthy."""
        self.compose("up", "--detach", "--wait")

    def down(self) -> None:
        """Take it down, with its volumes."""
        self.compose("down", "--volumes", "--timeout=20")

    def containers(self, *, all_states: bool = False) -> Iterator[Container]:
        """Those of the project that run, or all of them."""
        options = ["--all"] if all_states else []
        ids = self.compose("ps", "--quiet", *options).split()
        if not ids:
            raise TrialFailed("no container runs")
        for one in json.loads(self.engine.docker("inspect", *ids)):
            state = one["State"]
            yield Container(
                name=one["Name"].lstrip("/"),
                service=one["Config"]["Labels"]["com.docker.compose.service"],
                id=one["Id"],
                pid=state["Pid"],
                state=state.get("Health", {}).get("Status") or state["Status"],
                host_config=one["HostConfig"],
                user=one["Config"]["User"],
                addresses=tuple(net["IPAddress"] for net in one["NetworkSettings"]["Networks"].values()),
            )

    def first_link(self) -> str:
        """The token of the link for the first admin."""
        return self.script("./first_link.sh").strip().partition("/link#")[2]
