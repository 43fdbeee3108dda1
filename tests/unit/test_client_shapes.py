"""The client's types say what the committed API says: every field, whether it may be null, and its type."""

import json
import types
from pathlib import Path
from typing import Any, Literal, NotRequired, Required, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest

from quorate import account_shapes, shapes

SCHEMAS = json.loads((Path(__file__).parents[2] / "docs/api/openapi.json").read_text(encoding="utf-8"))["components"][
    "schemas"
]
ANSWERS = {
    "Activity": ["Activity"],
    "Counts": ["CountsShown"],
    "DeadLetter": ["DeadLetterShown"],
    "DeviceBegun": ["DeviceBegun"],
    "DeviceOutcome": ["DeviceOutcome"],
    "DetectedObject": ["DetectedObject"],
    "Detection": ["Detection"],
    "Detections": ["DetectionAnswer"],
    "Doubt": ["DoubtShown"],
    "EarlierResult": ["EarlierResult"],
    "Erasure": ["ErasureShown"],
    "DetectorFields": ["DetectorPolicy"],
    "FieldError": ["FieldError"],
    "ImportReport": ["ImportReport"],
    "Invitation": ["InvitationShown"],
    "Key": ["KeyShown"],
    "KeyHolder": ["KeyHolder"],
    "KnownImage": ["KnownImage"],
    "Lease": ["LeaseGranted"],
    "Leases": ["Leases"],
    "Limits": ["Limits"],
    "Me": ["Me"],
    "Member": ["MemberShown"],
    "NewInvitation": ["NewInvitationShown"],
    "NewKey": ["NewKeyShown"],
    "NewTeam": ["NewTeamShown"],
    "Origin": ["OriginShown"],
    "Pipeline": ["PipelineShown"],
    "Prelabel": ["services__task_manager__wire__PrelabelShown", "services__subtask_manager__wire__PrelabelShown"],
    "QuorumFields": ["QuorumPolicy"],
    "RecentVote": ["RecentVote"],
    "Rectangle": ["Rectangle", "WireRectangle"],
    "RenewOutcome": ["RenewOutcome"],
    "Result": ["ImageResult"],
    "RowReport": ["RowReport"],
    "Session": ["SessionShown"],
    "SignedIn": ["SignedInUser"],
    "Subtask": ["SubtaskShown"],
    "SubtaskResult": ["ResultShown"],
    "Task": ["TaskShown"],
    "Team": ["TeamShown"],
    "TeamKey": ["TeamKeyShown"],
    "UploadReport": ["UploadReport"],
    "UploadedImage": ["FileReport"],
    "User": ["UserShown"],
    "Vote": ["VoteShown"],
    "VoteOutcome": ["VoteOutcome"],
    "Work": ["WorkShown"],
}
REQUESTS = {
    "Ballot": ["VoteInBatch"],
    "DetectorFields": ["DetectorRequest"],
    "HeldLease": ["HeldLease"],
    "QuorumFields": ["QuorumRequest"],
    "TaskChange": ["TaskChange"],
    "InvitedChange": ["InvitedChange"],
}
TYPES = {name: kind for name, kind in (vars(shapes) | vars(account_shapes)).items() if is_typeddict(kind)}
PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null"}

Alternatives = frozenset[str]
"""A type as the set of what it allows, each in words: `string`, `"open"`, `array of Vote`, `null`."""


def of_hint(hint: Any) -> Alternatives:
    if get_origin(hint) in (Required, NotRequired):
        return of_hint(get_args(hint)[0])
    if get_origin(hint) in (Union, types.UnionType):
        return frozenset().union(*map(of_hint, get_args(hint)))
    if get_origin(hint) is Literal:
        return frozenset(json.dumps(value) for value in get_args(hint))
    if get_origin(hint) is list:
        return frozenset({f"array of {words(of_hint(get_args(hint)[0]))}"})
    if get_origin(hint) is dict:
        return frozenset({f"object of {words(of_hint(get_args(hint)[1]))}"})
    return frozenset({PLAIN.get(hint, hint.__name__)})


def of_schema(schema: dict[str, Any]) -> Alternatives:
    if "anyOf" in schema:
        found = frozenset().union(*map(of_schema, schema["anyOf"]))
        return found - {"integer"} if "number" in found else found
    if "$ref" in schema:
        return frozenset({type_of(schema["$ref"].rpartition("/")[2])})
    if "enum" in schema or "const" in schema:
        return frozenset(map(json.dumps, schema.get("enum", [schema.get("const")])))
    if schema["type"] == "array":
        return frozenset({f"array of {words(of_schema(schema['items']))}"})
    if schema["type"] == "object":
        return frozenset({f"object of {words(of_schema(schema['additionalProperties']))}"})
    return frozenset({schema["type"]})


def type_of(schema: str) -> str:
    """The client's type of this schema; `Any` where it allows anything, else the schema's own name where there is
    none."""
    if not SCHEMAS[schema]:
        return "Any"
    return next((name for name, those in [*ANSWERS.items(), *REQUESTS.items()] if schema in those), schema)


def words(alternatives: Alternatives) -> str:
    return " | ".join(sorted(alternatives))


def differences(kind: Any, schema: dict[str, Any], *, is_request: bool) -> list[str]:
    """In words. A request may be narrower than the platform takes: no null, say."""
    hints, properties = get_type_hints(kind, include_extras=True), schema["properties"]
    found = [f"{name} is not in the API" for name in hints.keys() - properties.keys()]
    found += [f"{name} is missing in the client" for name in properties.keys() - hints.keys()]
    for name in hints.keys() & properties.keys():
        ours, theirs = of_hint(hints[name]), of_schema(properties[name])
        if not (ours <= theirs if is_request else ours == theirs):
            found.append(f"{name} is {words(ours)} in the client and {words(theirs)} in the API")
        if (name in kind.__required_keys__) != (name in schema.get("required", [])):
            found.append(f"{name} is required on one side only")
    return sorted(found)


CASES = [(name, schema, False) for name, schemas in ANSWERS.items() for schema in schemas]
CASES += [(name, schema, True) for name, schemas in REQUESTS.items() for schema in schemas]


@pytest.mark.parametrize(("name", "schema", "is_request"), CASES)
def test_a_type_is_that_of_the_api(name, schema, is_request):
    found = differences(TYPES[name], SCHEMAS[schema], is_request=is_request)
    assert found == [], "\n".join(f"quorate.shapes.{name}: {line}" for line in found)


def test_every_type_is_compared():
    # A newer platform names actions that this client need not know; parameters of a query have no schema, and pairs of
    # a name and its argument no type that a client's lists have.
    not_compared = {"AuditEntry", "AuditWanted", "PipelineFields"}
    assert set(TYPES) == {*ANSWERS, *REQUESTS} | not_compared


@pytest.mark.parametrize(
    ("field", "schema", "difference"),
    [
        ("cat", {"type": "string"}, "cat is missing in the client"),
        ("at", {"type": "integer"}, "at is string in the client and integer in the API"),
        ("label", {"type": "string"}, "label is null | string in the client and string in the API"),
    ],
)
def test_a_difference_is_named(field, schema, difference):
    changed = {**SCHEMAS["VoteShown"], "properties": SCHEMAS["VoteShown"]["properties"] | {field: schema}}
    assert differences(shapes.Vote, changed, is_request=False) == [difference]
