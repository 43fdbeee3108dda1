"""One image from upload to result, as a trace across all services.

usage: python -P -m loadtest.trace [--profile embedded|distributed] [--out DIR]

A client sends the same W3C traceparent with every request; the platform carries it on through its events. The services
send their spans to a collector that runs here for as long.
"""

import argparse
import secrets
import sys
import time
from pathlib import Path

import httpx

from loadtest import command, samples, spans
from loadtest.demo_platforms import PROFILES

LONGEST_S = 60.0


def main() -> int:
    """Show it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="loadtest.trace", description="One image as a trace across all services.")
    parser.add_argument("--profile", choices=PROFILES, default="distributed")
    parser.add_argument("--out", type=Path, default=Path("build/trace"), help="where the platform keeps what it keeps")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    return command.run("trace", lambda: print("\n".join(traced(given.profile, given.out))) or 0)


def traced(profile: str, out: Path) -> list[str]:
    """The trace of a sample picture, as lines."""
    pictures = out / "samples"
    samples.draw(pictures, 1, seed=int(time.time()))  # a new one: the same bytes would be known already
    picture = next(pictures.glob("*.png"))
    trace_id = secrets.token_hex(16)
    with spans.collecting() as collector:
        told = {"otlp_endpoint": collector.url}
        with PROFILES[profile](out, samples.write_model(out / "model"), told) as url:
            headers = {"traceparent": f"00-{trace_id}-{secrets.token_hex(8)}-01", "X-Quorate-User": "ann"}
            with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
                label_one(client, picture)
        return spans.tree(collector.spans, trace_id)


def label_one(client: httpx.Client, picture: Path) -> None:
    """Create, upload, seal, lease, look, vote, and see the result."""
    terms = {"name": "traced", "labels": samples.CLASSES, "quorum": {"votes_required": 1}}
    task = client.post("/api/tasks", json=terms).raise_for_status().json()["id"]
    client.post(f"/api/tasks/{task}/images", files={"images": picture.read_bytes()}).raise_for_status()
    client.post(f"/api/tasks/{task}/seal").raise_for_status()
    time.sleep(1)  # the detector looks first, so that its span comes before those of people
    until = time.monotonic() + LONGEST_S
    while not (leases := client.post("/api/leases", json={"task_id": task}).raise_for_status().json()["leases"]):
        _wait(until)
    vote = {"label": samples.CLASSES[0], "token": leases[0]["token"]}
    client.post(f"/api/subtasks/{leases[0]['subtask_id']}/vote", json=vote).raise_for_status()
    while client.get(f"/api/tasks/{task}").raise_for_status().json()["state"] != "completed":
        _wait(until)


def _wait(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError("the image did not come through in time")
    time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
