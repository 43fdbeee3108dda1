"""The same votes have the same estimates, byte for byte: in any order and any pages, however things are named."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.consensus.domain.agreement import agreement_of
from services.consensus.domain.book import Counted, VoteBook
from services.consensus.domain.methods import METHODS, estimate
from services.consensus.domain.votes import NO_LABEL
from tests.unit.consensus_votes import SETS, any_votes, crowd, needs_public_votes, public_rows

CASES = 200


def counted(rows) -> Counted:
    book = VoteBook()
    for row in rows:
        book.add(*row)
    return book.counted()


def result(method: str, rows, original=lambda _, name: name) -> dict[str, bytes]:
    """All that a method says, by what things are called originally."""
    given = counted(rows)
    found = estimate(method, given.votes)
    images, voters, labels = (
        [original(kind, name) for name in names]
        for kind, names in (("image", given.images), ("voter", given.voters), ("label", given.labels))
    )
    told = {
        f"posterior {image} {label}": found.posterior[k, i].tobytes()
        for i, image in enumerate(images)
        for k, label in enumerate(labels)
    }
    told |= {f"skill {voter}": found.skill[v].tobytes() for v, voter in enumerate(voters)}
    for i, image in enumerate(images):
        label = int(found.label[i])
        told[f"label {image}"] = b"" if label == NO_LABEL else labels[label].encode()
    return told | {"rounds": b"%d" % found.rounds, "alpha": repr(agreement_of(given.votes).alpha).encode()}


def renamed(rows, seed: int):
    """The rows with all names drawn anew, and what they were."""
    chance = np.random.default_rng(seed)
    kinds = ("image", "voter", "label")
    was: dict[tuple[str, str], str] = {}
    now: dict[tuple[str, str], str] = {}
    for at, kind in enumerate(kinds):
        names = sorted({row[at] for row in rows if row[at] is not None})
        drawn = [f"{number:x}" for number in chance.permutation(len(names)) + int(chance.integers(1, 99))]
        for name, new in zip(names, drawn, strict=True):
            now[kind, name], was[kind, new] = new, name
    moved = [
        tuple(None if name is None else now[kind, name] for kind, name in zip(kinds, row, strict=True)) for row in rows
    ]
    return moved, lambda kind, name: was[kind, name]


def shuffled(rows, seed: int):
    return [rows[at] for at in np.random.default_rng(seed).permutation(len(rows))]


def named(votes):
    return [(f"i{image}", f"v{voter}", f"l{label}") for image, voter, label in votes]


some_votes = some.one_of(
    any_votes(),
    some.builds(
        crowd,
        some.integers(0, 10_000),
        images=some.integers(1, 60),
        voters=some.integers(5, 12),
        labels=some.integers(2, 11),
        each=some.integers(1, 5),
    ),
)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=CASES, deadline=None)
@given(votes=some_votes, seed=some.integers(0, 10_000), repeated=some.integers(0, 3))
def test_any_order_and_any_names(method: str, votes, seed: int, repeated: int):
    rows = named(votes)
    rows += rows[:repeated]
    rows += [("i0", "v0", None)]
    moved, original = renamed(shuffled(rows, seed), seed)
    assert result(method, rows) == result(method, moved, original)


@settings(max_examples=CASES, deadline=None)
@given(votes=some_votes, seed=some.integers(0, 10_000))
def test_contradicting_votes_fall_out_in_any_order(votes, seed: int):
    rows = named(votes) + [(f"i{image}", f"v{voter}", "other") for image, voter, _ in votes[::3]]
    assert result("ds", rows) == result("ds", shuffled(rows, seed))


@settings(max_examples=CASES, deadline=None)
@given(votes=some_votes, seed=some.integers(0, 10_000), size=some.integers(1, 20))
def test_pages(votes, seed: int, size: int):
    """Pages come in any order, and the book is looked into between them."""
    rows = named(votes)
    pages = [rows[start : start + size] for start in range(0, len(rows), size)]
    book = VoteBook()
    for page in shuffled(pages, seed) if pages else []:
        for row in page:
            book.add(*row)
        book.counted()
    paged, whole = book.counted(), counted(rows)
    assert (paged.images, paged.voters, paged.labels) == (whole.images, whole.voters, whole.labels)
    for method in METHODS:
        first, second = (estimate(method, one.votes, rounds=5) for one in (paged, whole))
        assert first.posterior.tobytes() == second.posterior.tobytes()
        assert first.skill.tobytes() == second.skill.tobytes()


@needs_public_votes
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", SETS)
def test_public_votes(name: str, method: str):
    rows = [(row["task"], row["worker"], row["label"]) for row in public_rows(name, "votes.csv")]
    moved, original = renamed(shuffled(rows, 7), 7)
    first, second = result(method, rows), result(method, moved, original)
    different = [key for key in first if first[key] != second.get(key)]
    assert not different, json.dumps(different[:5])
