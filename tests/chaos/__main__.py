"""`python -P -m tests.chaos --profile embedded|distributed|replica --seconds N --seed S [--out build/chaos]`."""

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos import campaign
from tests.chaos.campaign import Plan
from tests.chaos.embedded_world import EmbeddedWorld
from tests.chaos.world import World

OUT = Path("build/chaos")
SWITCH_S = 0.0005
"""The replica set and the proxies answer in this process, beside the crew's threads: they are not to wait for them."""


def main() -> int:
    """Run a campaign; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--profile", choices=["embedded", "distributed", "replica"], default="embedded")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--seed", type=int, help="of the faults and of what people do; default: a new one")
    parser.add_argument("--fault-every", type=float, default=6.0, metavar="SECONDS")
    parser.add_argument("--pause", type=float, default=0.6, metavar="SECONDS", help="an operator's rest")
    parser.add_argument("--accounts", action="store_true", help="people have accounts, and their keys are replaced")
    parser.add_argument("--operators", type=int, default=8)
    parser.add_argument("--out", type=Path, default=OUT, help="for the report, and for servers")
    given = parser.parse_args()
    sys.setswitchinterval(SWITCH_S)
    seed = random.SystemRandom().randrange(10**9) if given.seed is None else given.seed
    _say(f"seed {seed}")
    plan = Plan(
        seconds=given.seconds,
        seed=seed,
        fault_every_s=given.fault_every,
        operators=given.operators,
        pause_s=given.pause,
    )
    out = given.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix="run-") as folder:
        report = campaign.run(_world(given.profile, out, Path(folder), has_accounts=given.accounts), plan, _say)
    path = report.write(out)
    _say(f"\n{report.table()}\n\nwritten to {path}")
    return 0 if report.is_clean else 1


def _world(profile: str, out: Path, folder: Path, *, has_accounts: bool) -> World:
    if profile == "embedded":
        return EmbeddedWorld(folder, **({"auth": "on"} if has_accounts else {}))
    from tests.chaos.distributed_world import DistributedWorld  # noqa: PLC0415 - it needs more than is always there
    from tests.chaos.replica_world import ReplicaWorld  # noqa: PLC0415

    kind = ReplicaWorld if profile == "replica" else DistributedWorld
    return kind(out / "servers", folder, has_accounts=has_accounts)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
