"""The embedded platform, its disk, and what can befall them."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from embedded import signing_keys
from loadtest.errors import PlatformFailed
from shared import crash_points
from tests.chaos.launched import LaunchedPlatform
from tests.chaos.model import write_model
from tests.chaos.triggers import COLLECT, COLLECTED, FSYNC, REORDER, REPLAY
from tests.chaos.world import Fault

POINTS = tuple(point for point in crash_points.POINTS if not point.startswith("mongo."))
LEASE_S = 3.0
CRASH_S = 6.0
COLLECTED_S = 20.0
DISK = "size=600m"
BALLAST = "ballast"
LINK = re.compile(r'/link/?#?([^\s"]+)')
BLOCK = b"\0" * 1_000_000


class EmbeddedWorld:
    """One process with its data on a disk of its own, where this may be mounted."""

    name = "embedded"
    is_every_info_late = False

    def __init__(
        self,
        folder: Path,
        *,
        arguments: tuple[str, ...] = (),
        has_disk: bool = True,
        has_detector: bool = True,
        **settings: object,
    ) -> None:
        self.explained = frozenset({503, 507})
        self.left_out = {"fsync errors within SQLite": "they cannot be injected from outside; fsync of objects is"}
        self._disk = folder / "disk"
        self._is_mounted = False
        self._wants_disk = has_disk
        self._has_detector = has_detector
        settings = {"lease_s": LEASE_S, **settings}
        if has_detector:
            settings["model"] = write_model(folder)
        self.platform = LaunchedPlatform(folder, self._disk / "data", arguments=arguments, **settings)
        self.triggers = self.platform.triggers

    @property
    def url(self) -> str:
        return self.platform.url

    @property
    def data_dir(self) -> Path:
        return self.platform.data_dir

    def start(self, crash_at: str | None = None) -> None:
        """Until it is ready; with `crash_at`, or until it has died on the way."""
        self._disk.mkdir(parents=True, exist_ok=True)
        if self._wants_disk:
            self._mount()
        self.platform.launch(crash_at=crash_at)
        try:
            self.platform.wait_until_ready()
        except PlatformFailed:
            self.platform.start()

    def stop(self) -> None:
        if self.platform.is_started() and not self.platform.has_died():
            os.kill(self.platform.pid, signal.SIGCONT)
        self.platform.end()
        if self._is_mounted:
            subprocess.run(["umount", self._disk], check=True)
            self._is_mounted = False

    def first_links(self) -> list[str]:
        return LINK.findall(self.platform._said.read_text())

    def faults(self) -> Mapping[str, Fault]:
        found: dict[str, Fault] = {
            "kill": self._kill,
            "kill while starting": self._kill_while_starting,
            "kill at a crash point": self._crash,
            "freeze": self._freeze,
            "fsync error": self._break_fsync,
            "events again and out of order": self._redeliver,
        }
        if self._is_mounted:
            found["disk full"] = self._fill
            found["kill on a full disk"] = self._kill_when_full
        return found

    def replace_signing_key(self) -> None:
        """The next start finds it too old."""
        path = self.data_dir / signing_keys.NAME
        path.write_text(json.dumps(json.loads(path.read_text()) | {"made_at": 0.0}))
        self.platform.kill()
        self.platform.start()

    def backlog(self) -> dict[str, int]:
        waiting = "SELECT count(*) FROM messages"
        if not self._has_detector:
            waiting += " WHERE expires_at IS NULL"
        names = [
            name
            for name in ("tasks", "subtasks", "accounts", "consensus")
            if (self.data_dir / f"{name}.sqlite").exists()
        ]
        found = {f"outbox of {name}": self._query(name, "SELECT count(*) FROM outbox") for name in names}
        found["queues"] = self._query("bus", waiting)
        return {name: rows[0][0] for name, rows in found.items() if rows[0][0]}

    def collect(self) -> None:
        self.triggers.clear(COLLECTED)
        self.triggers.set(COLLECT)
        self.triggers.await_set(COLLECTED, COLLECTED_S)

    def objects(self) -> set[str]:
        root = self.data_dir / "objects"
        return {f"{path.parent.name}/{path.name}" for path in root.glob("*/*")}

    def references(self) -> set[str]:
        return {row[0] for row in self._query("tasks", "SELECT object_key FROM images")}

    def ailments(self) -> list[str]:
        found: list[str] = []
        for name in ("tasks", "subtasks", "bus"):
            said = self._query(name, "PRAGMA integrity_check")
            if said != [("ok",)]:
                found.append(f"I1: {name}.sqlite is damaged: {said[:3]}")
        count = """SELECT task_id, open,
                   (SELECT count(*) FROM subtasks s WHERE s.task_id = b.task_id AND s.state = 'open')
                   FROM briefs b WHERE NOT is_cancelled"""
        for task_id, kept, recounted in self._query("subtasks", count):
            if kept != recounted:
                found.append(f"I13: operators are told of {kept} open images of {task_id}, there are {recounted}")
        return found

    def log_tail(self) -> str:
        return self.platform.log_tail()

    @property
    def restarts(self) -> int:
        return self.platform.starts - 1

    def cut(self) -> None:
        """There is nothing but its disk."""
        self.triggers.set(FSYNC)

    def mend(self) -> None:
        self.triggers.clear(FSYNC)

    def kill(self) -> None:
        """At once, and start again."""
        self.platform.kill()
        self.platform.start()

    def revive(self) -> bool:
        """Start it again if it has died by itself; says whether it had."""
        if self.platform.has_died():
            self.platform.start()
            return True
        return False

    def replay(self, patience_s: float = 5.0) -> bool:
        """Deliver all events of late once more; says whether it was done in time."""
        self.triggers.set(REPLAY)
        is_done = self.triggers.await_taken(REPLAY, patience_s)
        self.triggers.clear(REPLAY)
        return is_done

    def _query(self, name: str, query: str) -> list[tuple]:
        with closing(sqlite3.connect(f"file:{self.data_dir}/{name}.sqlite?mode=ro", uri=True, timeout=10)) as file:
            return file.execute(query).fetchall()

    def _mount(self) -> None:
        if os.geteuid() != 0:
            self.left_out["disk full"] = "it takes root to mount a small disk"
            return
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", self._disk],
            capture_output=True,
            text=True,
            check=False,
        )
        self._is_mounted = done.returncode == 0
        if not self._is_mounted:
            self.left_out["disk full"] = f"a small disk cannot be mounted here: {done.stderr.strip()}"

    def _kill(self, chance: random.Random) -> None:
        self.platform.kill()
        time.sleep(chance.choice((0, 0, 0.3)))
        self.platform.start()

    def _kill_while_starting(self, chance: random.Random) -> None:
        self.platform.kill()
        self.platform.launch()
        time.sleep(chance.uniform(0.2, 1.2))
        self.platform.kill()
        self.platform.start()

    def _crash(self, chance: random.Random) -> None:
        self.platform.kill()
        self.platform.launch(crash_at=f"{chance.choice(POINTS)}:{chance.randrange(1, 60)}")
        if not self.platform.await_death(CRASH_S):
            self.platform.kill()
        self.platform.start()

    def _freeze(self, chance: random.Random) -> None:
        os.kill(self.platform.pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0.5, 4.0))
        os.kill(self.platform.pid, signal.SIGCONT)

    def _break_fsync(self, chance: random.Random) -> None:
        self.triggers.set(FSYNC)
        time.sleep(chance.uniform(0.5, 3.0))
        self.triggers.clear(FSYNC)

    def _redeliver(self, chance: random.Random) -> None:
        self.triggers.set(REORDER)
        for _ in range(chance.randrange(1, 4)):
            time.sleep(chance.uniform(0.2, 1.0))
            self.replay()
        self.triggers.clear(REORDER)

    def _fill(self, chance: random.Random) -> None:
        self._pour()
        time.sleep(chance.uniform(0.5, 3.0))
        (self._disk / BALLAST).unlink()

    def _kill_when_full(self, chance: random.Random) -> None:
        self._pour()
        time.sleep(chance.uniform(0.2, 1.0))
        self.platform.kill()
        (self._disk / BALLAST).unlink()
        self.platform.start()

    def _pour(self) -> None:
        """Take the disk's last byte."""
        with (self._disk / BALLAST).open("wb", buffering=0) as ballast:
            for block in (BLOCK, BLOCK[:4096]):
                try:
                    while ballast.write(block):
                        pass
                except OSError:
                    continue
