"""The platform in containers, from its first start to its end; `tests.containers` runs it in the engine's network."""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.containers import containment
from tests.containers.batch import Batch
from tests.containers.engine import WORK, Engine
from tests.containers.errors import TrialFailed
from tests.containers.platform import URL, Platform
from tests.service.accounts_world import PASSWORD, Browser

REPOSITORY = Path(__file__).parents[2]
DEPLOYMENT = REPOSITORY / "docs/deployment.md"
ROLES = ("client", "operator", "adjudicator", "admin")
ONE_SHOT = "mongodb_users"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What `make images` does once the images are built."""

    platform: Platform
    pictures: Path

    def run(self) -> None:
        """All of it. Raises TrialFailed at the first promise that is not kept."""
        self.platform.prepare(REPOSITORY / "deploy")
        self.platform.down()  # what a run that was broken off has left has other secrets
        try:
            timed("every container is healthy", self.platform.up)
            timed("every container is contained, and listens where it may", self.look)
            batch = self.batch()
            timed("every service was replaced during a batch", lambda: self.replace(batch))
            timed("a backup was restored", lambda: self.restore(batch))
        except TrialFailed:
            self.platform.compose("ps", "--all")
            self.platform.compose("logs", "--tail=40")
            raise
        finally:
            timed("everything was taken down", self.platform.down)

    def look(self) -> None:
        """Raises TrialFailed with what any container does not keep."""
        ports = containment.documented_ports(DEPLOYMENT.read_text())
        there = list(self.platform.containers())
        found = [fault for one in there for fault in containment.faults(one, ports)]
        found += [f"{one} is documented and does not run" for one in ports.keys() - {one.service for one in there}]
        if found:
            raise TrialFailed("\n".join(found))

    def batch(self) -> Batch:
        """A batch of the first admin, who comes by the link in the log."""
        admin = Browser(URL)
        link = self.platform.first_link()
        admin.made("/api/sessions/link", {"token": link, "name": "Ann", "password": PASSWORD})
        key = admin.made("/api/me/keys", {"name": "containers", "roles": list(ROLES)})["secret"]
        truth = json.loads((self.pictures / "truth.json").read_text())
        pictures = sorted(path for path in self.pictures.iterdir() if path.name in truth)
        return Batch(url=URL, key=key, pictures=pictures, truth=truth)

    def replace(self, batch: Batch) -> None:
        """Every container of ours, while the batch goes on."""
        before = {one.id: one.service for one in self.platform.containers()}
        batch.start()
        try:
            said = self.platform.script("./replace.sh")
        finally:
            task = batch.finish()
        after = {one.id: one.service for one in self.platform.containers()}
        replaced = sorted(before[one] for one in before.keys() - after.keys())
        services = {one.service for one in self.platform.containers()}
        if sorted(before.values()) != sorted(after.values()) or len(replaced) < 2 * len(services - SINGLE):
            raise TrialFailed(f"replaced were {replaced}, of {sorted(before.values())}:\n{said}")
        failed = batch.transport.failed
        if len(failed) > len(replaced) or any(not one.endswith(": 502") for one in failed):
            raise TrialFailed(f"requests failed: {failed}")
        if wrong := batch.wrong():
            raise TrialFailed(f"pictures with another label than they show: {wrong}")
        sent = sum(batch.transport.sent.values())
        done = task["counts"]["completed"]
        say(f"{len(replaced)} containers replaced; {sent} requests, {len(failed)} with 502; {done} pictures")

    def restore(self, batch: Batch) -> None:
        """What was there is there again, in volumes that Compose takes for its own."""
        expected = batch.results()
        self.platform.script(f"./backup.sh {WORK}/backup")
        self.platform.down()
        said = self.platform.script(f"./restore.sh {WORK}/backup")
        said += self.platform.compose("up", "--detach", "--wait")
        if "not created by Docker Compose" in said:
            raise TrialFailed(f"Compose does not take the restored volumes for its own:\n{said}")
        if batch.results() != expected:
            raise TrialFailed("the restored platform has other results")
        batch.fetch_an_image()


SINGLE = frozenset({"gateway", "mongodb", "rabbitmq", "seaweedfs"})
"""What replace.sh leaves alone."""


def timed(what: str, work: Callable[[], None]) -> None:
    """Do it, and say how long it took."""
    began = time.monotonic()
    work()
    say(f"{time.monotonic() - began:6.1f} s  {what}")


def say(line: str) -> None:
    """Tell people at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Run the trial; 1, with the reason, where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="tests.containers.trial", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="the engine's root")
    parser.add_argument("--work", type=Path, required=True, help="the engine's work folder, with its pictures")
    given = parser.parse_args()
    engine = Engine(root=given.root, work=given.work)
    shutil.rmtree(given.work / "backup", ignore_errors=True)
    try:
        Trial(platform=Platform(engine=engine), pictures=given.work / "pictures").run()
    except TrialFailed as failure:
        say(str(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
