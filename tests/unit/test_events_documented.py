"""docs/events.md says of every event what the code says."""

import re
from pathlib import Path
from typing import get_args

import pytest

from shared import events
from shared.routing import Topology

TEXT = (Path(__file__).parents[2] / "docs/events.md").read_text()
DESCRIBED = re.split(r"\n(?=\*\*`)", TEXT.partition("## Data")[2])[1:]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if re.match(r"\| `[a-z.]+\.v\d+` \|", line)
]
SERVICES = {
    name.replace("_", " "): name
    for name in ("task_manager", "subtask_manager", "notifier", "consensus", "detector", "accounts", "worker")
}
KINDS = {
    event_type: kind
    for kind in get_args(get_args(events.Event)[0])
    for event_type in get_args(kind.model_fields["type"].annotation)
}


def named(cell: str) -> tuple[str, ...]:
    return tuple(SERVICES[name] for name in cell.split(", ") if name in SERVICES)


def test_every_type_has_its_row_with_who_hears_it():
    routes = {row[0].strip("`"): (named(row[2]), named(row[3])) for row in ROWS}
    assert routes == {kind: (route.required, route.optional) for kind, route in Topology.ROUTES.items()}


@pytest.mark.parametrize("event_type", sorted(Topology.ROUTES))
def test_every_field_is_named_where_its_type_is_described(event_type):
    [section] = [part for part in DESCRIBED if f"`{event_type}`" in part.partition("(")[0]]
    data = KINDS[event_type].model_fields["data"].annotation
    assert f"(`{data.__name__}`)" in section
    names = set(re.findall(r"`(\w+)`", section))
    assert data.model_fields.keys() <= names, data.model_fields.keys() - names
