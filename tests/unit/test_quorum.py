import pytest

from services.subtask_manager import quorum
from shared.terms import QuorumPolicy

U = None


def policy(stop="settled", required=3, extra=2, **fields) -> QuorumPolicy:
    return QuorumPolicy(stop=stop, votes_required=required, max_votes=required + extra, **fields)


def labels(votes: str) -> tuple[str | None, ...]:
    """`AAB-`: two votes for A, one for B, one unsure."""
    return tuple(U if vote == "-" else vote for vote in votes)


def stands(votes: str, *, label_count=3, allow_unsure=True) -> quorum.Standing:
    return quorum.standing(labels(votes), label_count=label_count, allow_unsure=allow_unsure)


SETTLES = [
    # stop, required, fields, votes, decided by
    ("exact", 3, {}, "", None),
    ("exact", 3, {}, "AA", None),
    ("exact", 3, {}, "AAA", "quorum"),
    ("exact", 3, {}, "AAB", "quorum"),
    ("exact", 3, {}, "ABC", None),
    ("exact", 3, {}, "A--", "quorum"),
    ("exact", 3, {}, "---", None),
    ("exact", 1, {}, "A", "quorum"),
    ("exact", 4, {}, "AABB", None),
    ("exact", 4, {}, "AABBA", "quorum"),
    ("settled", 3, {}, "", None),
    ("settled", 3, {}, "A", None),
    ("settled", 3, {}, "AA", "settled"),
    ("settled", 3, {}, "A-", None),
    ("settled", 3, {}, "AB", None),
    ("settled", 3, {}, "AAB", "quorum"),
    ("settled", 3, {}, "ABC", None),
    ("settled", 3, {}, "ABCA", "quorum"),
    ("settled", 4, {}, "AA", None),
    ("settled", 4, {}, "AA-", "settled"),
    ("settled", 4, {}, "AAB", None),
    ("settled", 4, {}, "AAA", "settled"),
    ("settled", 5, {}, "AAA", "settled"),
    ("settled", 5, {}, "AAAB", "settled"),
    ("settled", 5, {}, "AABB", None),
    ("settled", 3, {"min_agreement": 0.6}, "AA", "settled"),
    ("settled", 3, {"min_agreement": 0.7}, "AA", None),
    ("settled", 3, {"min_agreement": 0.7}, "AAA", "quorum"),
    ("settled", 3, {"min_agreement": 0.7}, "AAB", None),
    ("settled", 3, {"min_agreement": 0.7}, "AABA", "quorum"),
    ("settled", 5, {"min_agreement": 0.6}, "AAABB", "quorum"),
    ("settled", 5, {"min_agreement": 0.61}, "AAABB", None),
    ("settled", 3, {"min_agreement": 1.0}, "AAA", "quorum"),
    ("settled", 3, {"min_agreement": 1.0}, "AA", None),
    ("lead", 7, {"lead": 3}, "AA", None),
    ("lead", 7, {"lead": 3}, "AAA", "lead"),
    ("lead", 7, {"lead": 3}, "AAAB", None),
    ("lead", 7, {"lead": 3}, "AAAAB", "lead"),
    ("lead", 7, {"lead": 3}, "AAA-", "lead"),
    ("lead", 7, {"lead": 3, "min_agreement": 0.8}, "AAA-", None),
    ("lead", 7, {"lead": 3}, "AAABBBC", None),
    ("lead", 7, {"lead": 3}, "AAAABBB", "quorum"),
    ("lead", 2, {"lead": 3}, "AA", "quorum"),
    ("lead", 3, {"lead": 1}, "A", "lead"),
]


@pytest.mark.parametrize(("stop", "required", "fields", "votes", "decided_by"), SETTLES)
def test_votes_settle_a_subtask_by_the_rule_of_its_policy(stop, required, fields, votes, decided_by):
    assert quorum.settles(policy(stop, required, **fields), stands(votes)) == decided_by


@pytest.mark.parametrize(
    ("allow_unsure", "min_agreement", "votes", "decided_by"),
    [
        (False, 0.0, "", None),
        (False, 0.0, "A", "settled"),
        (False, 1.0, "A", "settled"),
        (True, 0.0, "A", "settled"),
        (True, 0.5, "A", None),
        (True, 0.5, "A-", None),
        (True, 0.5, "AA", "settled"),
        (True, 0.5, "A--", None),
        (True, 0.0, "--", None),
        (True, 0.0, "--A", "quorum"),
    ],
)
def test_a_single_label_can_only_be_doubted_by_unsure_votes(allow_unsure, min_agreement, votes, decided_by):
    standing = stands(votes, label_count=1, allow_unsure=allow_unsure)
    assert quorum.settles(policy(min_agreement=min_agreement), standing) == decided_by


@pytest.mark.parametrize(
    ("stop", "required", "extra", "fields", "votes", "expected"),
    [
        ("settled", 3, 2, {}, "", 2),
        ("settled", 3, 2, {}, "A", 1),
        ("settled", 3, 2, {}, "AB", 1),
        ("settled", 3, 2, {}, "ABC", 1),
        ("settled", 3, 2, {}, "ABC-", 1),
        ("settled", 1, 2, {}, "", 1),
        ("settled", 2, 2, {}, "", 2),
        ("settled", 4, 2, {}, "", 3),
        ("settled", 5, 2, {}, "", 3),
        ("settled", 5, 2, {}, "AB", 2),
        ("settled", 5, 2, {}, "AABB", 1),
        ("settled", 3, 2, {"min_agreement": 1.0}, "", 3),
        ("settled", 3, 2, {"min_agreement": 0.7}, "", 3),
        ("settled", 3, 2, {"min_agreement": 0.7}, "AB", 1),
        ("settled", 3, 5, {"min_agreement": 0.75}, "AABB", 1),
        ("settled", 3, 2, {"min_agreement": 0.8}, "A-", 1),
        ("settled", 3, 5, {"min_agreement": 0.75}, "AB", 1),
        ("exact", 3, 2, {}, "", 3),
        ("exact", 3, 2, {}, "AA", 1),
        ("exact", 3, 2, {}, "ABC", 1),
        ("exact", 4, 2, {}, "AABB", 1),
        ("lead", 7, 2, {"lead": 3}, "", 3),
        ("lead", 7, 2, {"lead": 3}, "A", 2),
        ("lead", 7, 2, {"lead": 3}, "AAB", 2),
        ("lead", 7, 2, {"lead": 3}, "ABC", 3),
        ("lead", 7, 2, {"lead": 3}, "ABCABC", 1),
        ("lead", 7, 2, {"lead": 9}, "", 7),
    ],
)
def test_as_many_places_as_votes_could_settle_it_and_one_at_a_time_in_the_extension(
    stop, required, extra, fields, votes, expected
):
    assert quorum.places(policy(stop, required, extra, **fields), stands(votes)) == expected


@pytest.mark.parametrize(
    ("stop", "required", "extra", "fields", "votes", "expected"),
    [
        ("settled", 3, 0, {}, "ABC", True),
        ("settled", 3, 2, {}, "ABC", False),
        ("settled", 3, 2, {}, "ABC-", False),
        ("settled", 3, 2, {}, "ABC--", True),
        ("settled", 2, 0, {}, "--", True),
        ("settled", 3, 0, {"min_agreement": 1.0}, "A", False),
        ("settled", 3, 0, {"min_agreement": 1.0}, "AB", True),
        ("settled", 3, 2, {"min_agreement": 1.0}, "A-", True),
        ("exact", 3, 0, {"min_agreement": 1.0}, "AB", False),
        ("exact", 3, 0, {"min_agreement": 1.0}, "ABB", True),
        ("exact", 3, 2, {"min_agreement": 1.0}, "ABB", True),
        ("exact", 3, 2, {"min_agreement": 0.8}, "ABB", False),
        ("exact", 3, 2, {"min_agreement": 0.81}, "ABB", True),
        ("lead", 3, 2, {"lead": 5}, "ABC", False),
        ("lead", 3, 2, {"lead": 2}, "ABC--", True),
    ],
)
def test_a_dispute_is_stated_as_soon_as_nothing_can_settle_it(stop, required, extra, fields, votes, expected):
    given = policy(stop, required, extra, **fields)
    assert quorum.settles(given, stands(votes)) is None or not expected
    assert quorum.is_disputed(given, stands(votes)) is expected


@pytest.mark.parametrize(
    ("votes", "expected"),
    [
        ("", ()),
        ("--", ()),
        ("BA", (("A", 1), ("B", 1))),
        ("BAB", (("B", 2), ("A", 1))),
        ("-B-A-B", (("B", 2), ("A", 1))),
    ],
)
def test_a_tally_has_most_first_and_leaves_unsure_out(votes, expected):
    assert quorum.tally(labels(votes)) == expected


def test_labels_that_look_like_fields_are_tallied_like_any_other():
    odd = ("a.b", "$inc", "__proto__", "a.b")
    assert quorum.tally(odd) == (("a.b", 2), ("$inc", 1), ("__proto__", 1))
