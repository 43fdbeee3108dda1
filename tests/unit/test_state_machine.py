"""The rules of labeling under random histories, on the pure functions and on the store, checked after every step
against a book for each subtask."""

import asyncio
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.subtask_manager import domain
from services.subtask_manager.announcements import announce
from services.subtask_manager.refusals import AlreadyVoted, CannotUndo, NoLease, NotOpen, UnknownLabel
from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.subtask_manager.store.sqlite.schema import STEPS
from services.subtask_manager.subtask import Fact, Lease, Subtask
from shared.decision import Decision
from shared.errors import QuorateError
from shared.results import Prelabel
from shared.sqlite import Database
from shared.teams import FIRST_TEAM
from shared.terms import DetectorPolicy
from tests.unit.labeling_book import Book
from tests.unit.subtask_builders import LEASE_S, T0, TASK_ID, awaiting, brief

OPERATORS = ("ann", "bob", "eve", "joe", "kim", "lea")
DETECTOR = "detector:m@1"
IN_MEMORY = Path("/dev/shm")
"""Where syncing costs nothing: durability is tested elsewhere."""
SUBTASKS = tuple(f"{i:032x}" for i in (1, 2, 3))

operators = st.sampled_from(OPERATORS)
subtasks = st.integers(0, len(SUBTASKS) - 1)


class Labeling(RuleBasedStateMachine):
    """One task, up to three subtasks, six people and a detector."""

    def __init__(self) -> None:
        super().__init__()
        self.now = T0
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        self.database = Database(Path(self.folder.name) / "subtasks.sqlite", STEPS, readers=1)
        self.database.open()
        self.store = SqliteSubtaskStore(self.database, lambda: self.now, announce)
        self.states: dict[str, Subtask] = {}
        self.books: dict[str, Book] = {}
        self.facts: list[tuple[str, Fact]] = []
        self.tokens = 0

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def run(self, awaitable):
        return self.loop.run_until_complete(awaitable)

    @initialize(
        count=st.integers(1, 3),
        required=st.integers(1, 5),
        extra=st.integers(0, 2),
        stop=st.sampled_from(["exact", "settled", "settled", "lead"]),
        lead=st.integers(1, 3),
        min_agreement=st.sampled_from([0.0, 0.0, 0.5, 0.75, 0.8, 1.0]),
        labels=st.sampled_from([("cat",), ("cat", "dog"), ("cat", "dog", "$inc")]),
        allow_unsure=st.booleans(),
        mode=st.sampled_from(["off", "off", "suggest", "vote", "accept"]),
        audit_share=st.sampled_from([0.0, 0.0, 1.0]),
    )
    def open(self, count, required, extra, stop, lead, min_agreement, labels, allow_unsure, mode, audit_share) -> None:
        self.brief = brief(
            labels=labels,
            allow_unsure=allow_unsure,
            detector=DetectorPolicy(mode=mode, audit_share=audit_share, prelabel_wait_s=30.0),
            votes_required=required,
            max_votes=required + extra,
            stop=stop,
            lead=lead,
            min_agreement=min_agreement,
        )
        self.options = (*labels, None) if allow_unsure else labels
        self.is_first = mode in ("vote", "accept") and audit_share == 0.0
        for subtask_id in SUBTASKS[:count]:
            decision = self.opening(subtask_id)
            assert self.run(self.store.open(self.brief, lambda _now, decision=decision: decision))
            self.states[subtask_id] = decision.state
            offered_at = self.now + 30.0 if self.is_first else self.now
            self.books[subtask_id] = Book(policy=self.brief.terms.quorum, options=self.options, offered_at=offered_at)
            self.facts += [(subtask_id, fact) for fact in decision.facts]

    def opening(self, subtask_id: str) -> Decision[Subtask, None]:
        return domain.open_subtask(self.brief, image=awaiting(subtask_id, self.brief), now=self.now)

    def picked(self, index: int) -> tuple[str, Book]:
        subtask_id = list(self.states)[index % len(self.states)]
        return subtask_id, self.books[subtask_id]

    def new_lease(self, operator: str) -> Lease:
        self.tokens += 1
        return Lease(operator=operator, token=f"t{self.tokens}", expires_at=self.now + LEASE_S)

    def apply(self, subtask_id: str, change):
        """Ask the rule and the store; both must say the same. Returns the decision or the refusal."""

        def decide(subtask, of, now):
            return change(subtask, of, now)

        try:
            decision = change(self.states[subtask_id], self.brief, self.now)
        except QuorateError as refusal:
            with pytest.raises(type(refusal), match=re.escape(refusal.detail)):
                self.run(self.store.update(subtask_id, decide))
            return refusal
        assert self.run(self.store.update(subtask_id, decide)) == decision
        self.states[subtask_id] = decision.state
        self.facts += [(subtask_id, fact) for fact in decision.facts]
        return decision

    # What people, the detector and time do

    @rule(index=subtasks, operator=operators)
    def lease(self, index, operator) -> None:
        subtask_id, book = self.picked(index)
        wanted = self.new_lease(operator)
        decision = self.apply(subtask_id, lambda s, of, now: domain.grant_lease(s, of, lease=wanted, now=now))
        assert decision.answer == book.may_lease(operator, self.now)
        if decision.answer:
            book.give_lease(operator, wanted.token, wanted.expires_at)

    @rule(index=subtasks, several=st.permutations(OPERATORS), count=st.integers(1, 6))
    def lease_to_several(self, index, several, count) -> None:
        for operator in several[:count]:
            self.lease(index, operator)

    @rule(
        index=subtasks, several=st.permutations(OPERATORS), labels=st.lists(st.integers(0, 3), min_size=1, max_size=4)
    )
    def lease_and_vote(self, index, several, labels) -> None:
        """Those who hold leases vote, then others come one after the other and do as they should."""
        subtask_id, book = self.picked(index)
        holders = [operator for operator in several if operator in book.live(self.now)]
        others = [operator for operator in several if operator not in {*holders, *book.votes, *book.skipped}]
        for operator, label in zip(holders + others, labels, strict=False):
            self.lease(index, operator)
            self.vote(subtask_id, book, operator, self.name(label), book.leases.get(operator, ("none",))[0])

    @rule(operator=operators, count=st.integers(1, 4))
    def claim(self, operator, count) -> None:
        wanted = self.new_lease(operator)

        def grant(subtask, of, now):
            return domain.grant_lease(subtask, of, lease=wanted, now=now)

        held_before = [book.live(self.now).get(operator) for book in self.books.values()]
        claim = self.run(self.store.claim(FIRST_TEAM, operator, task_id=TASK_ID, count=count, grant=grant))
        tokens = {}
        for subtask, of in claim.held:
            assert of == self.brief
            lease = next(lease for lease in subtask.leases if lease.operator == operator)
            tokens[subtask.id] = lease.token
            if lease.token == wanted.token:
                book = self.books[subtask.id]
                assert book.may_lease(operator, self.now)
                self.states[subtask.id] = grant(self.states[subtask.id], self.brief, self.now).state
                book.give_lease(operator, wanted.token, wanted.expires_at)
            assert subtask == self.states[subtask.id]
        was_held = sum(lease is not None for lease in held_before)
        assert len(tokens) <= max(count, 0)
        assert sum(token != wanted.token for token in tokens.values()) == min(was_held, count)
        if not claim.held:
            assert claim.waiting_for_others == sum(book.ended is None for book in self.books.values())

    @rule(index=subtasks, data=st.data(), is_right=st.booleans())
    def renew(self, index, data, is_right) -> None:
        subtask_id, book = self.picked(index)
        operator = data.draw(st.sampled_from(sorted(book.leases) or list(OPERATORS)))
        token, expires_at = book.leases.get(operator, ("none", 0.0))
        token = token if is_right else "wrong"
        outcome = self.apply(
            subtask_id,
            lambda s, of, now: domain.renew_lease(s, of, operator=operator, token=token, now=now, lease_s=LEASE_S),
        )
        if book.ended is not None:
            assert isinstance(outcome, NotOpen)
        elif token != book.leases.get(operator, (None,))[0] or book.is_void(expires_at, self.now):
            assert isinstance(outcome, NoLease)
        else:
            assert outcome.answer == Lease(operator=operator, token=token, expires_at=self.now + LEASE_S)
            book.give_lease(operator, token, self.now + LEASE_S)

    @rule(index=subtasks, data=st.data(), label=st.integers(0, 4))
    def vote_as_asked(self, index, data, label) -> None:
        """Somebody who holds a lease, live or expired, votes."""
        subtask_id, book = self.picked(index)
        holders = sorted(book.leases) or list(OPERATORS)
        operator = data.draw(st.sampled_from(holders))
        token = book.leases.get(operator, ("none",))[0]
        self.vote(subtask_id, book, operator, self.name(label), token)

    @rule(
        index=subtasks,
        operator=operators,
        name=st.sampled_from(["cat", "cat", "dog", "unsure", "wolf"]),
        which=st.sampled_from(["own", "own", "stale", "another's", "wrong"]),
        data=st.data(),
    )
    def vote_at_random(self, index, operator, name, which, data) -> None:
        """Anybody votes again, too late, without a lease, with a stale token or one that is not theirs."""
        subtask_id, book = self.picked(index)
        token = "wrong"
        if which == "own" and operator in book.leases:
            token = book.leases[operator][0]
        if which == "another's" and book.leases:
            token = data.draw(st.sampled_from(sorted(lease[0] for lease in book.leases.values())))
        if which == "stale" and book.stale:
            operator, token = data.draw(st.sampled_from(book.stale))
        self.vote(subtask_id, book, operator, name, token)

    def name(self, position: int) -> str:
        return self.options[position % len(self.options)] or "unsure"

    def vote(self, subtask_id: str, book: Book, operator: str, name: str, token: str) -> None:
        label = None if name == "unsure" else name
        outcome = self.apply(
            subtask_id,
            lambda s, of, now: domain.cast_vote(s, of, voter=operator, label=name, token=token, now=now),
        )
        if label not in self.options:
            assert isinstance(outcome, UnknownLabel)
        elif operator in book.votes:
            if book.votes[operator] == label:
                assert (outcome.answer, outcome.facts) == (book.answers[operator], ())
            else:
                assert isinstance(outcome, AlreadyVoted)
        elif book.ended is not None:
            assert isinstance(outcome, NotOpen)
        elif book.leases.get(operator, (None,))[0] != token or book.is_void(book.leases[operator][1], self.now):
            assert isinstance(outcome, NoLease)
        else:
            assert isinstance(outcome, Decision), f"a lease that counts was turned away: {outcome}"
            assert (outcome.answer.voter, outcome.answer.label) == (operator, label)
            assert outcome.answer.total == len(book.votes) + 1
            book.take_lease(operator)
            book.count(operator, label, outcome.answer, self.now)

    @rule(index=subtasks, operator=operators, is_skip=st.integers(0, 4).map(lambda n: n == 0))
    def let_go(self, index, operator, is_skip) -> None:
        subtask_id, book = self.picked(index)
        change = domain.skip if is_skip else domain.give_back
        outcome = self.apply(subtask_id, lambda s, of, now: change(s, of, operator=operator, now=now))
        if book.ended is not None or operator in book.skipped:
            assert outcome.facts == ()
        elif operator not in book.leases:
            assert isinstance(outcome, NoLease) if is_skip else outcome.facts == ()
        else:
            book.take_lease(operator)
            if is_skip:
                book.skipped.add(operator)

    @rule(index=subtasks, data=st.data(), is_own=st.booleans())
    def undo(self, index, data, is_own) -> None:
        subtask_id, book = self.picked(index)
        voters = sorted(book.votes.keys() - {DETECTOR}) if is_own else []
        operator = data.draw(st.sampled_from(voters or list(OPERATORS)))
        handed = self.new_lease(operator)
        live = book.live(self.now)
        outcome = self.apply(
            subtask_id, lambda s, of, now: domain.undo_vote(s, of, voter=operator, lease=handed, now=now)
        )
        if operator not in book.votes:
            if operator in live:
                assert (outcome.answer.token, outcome.answer.expires_at) == live[operator]
            else:
                assert isinstance(outcome, CannotUndo)
        elif book.ended is not None or len(live) + 1 > book.places(without=operator):
            assert isinstance(outcome, CannotUndo)
        else:
            assert outcome.answer == handed
            del book.votes[operator], book.answers[operator]
            book.give_lease(operator, handed.token, handed.expires_at)

    @rule(index=subtasks, label=st.integers(0, 3), confidence=st.sampled_from([0.3, 0.9, 0.95]))
    def prelabel(self, index, label, confidence) -> None:
        subtask_id, book = self.picked(index)
        named = self.brief.terms.labels[label] if label < len(self.brief.terms.labels) else None
        seen = Prelabel(model=DETECTOR, label=named, confidence=None if named is None else confidence)
        before = self.states[subtask_id]
        for _ in range(2):  # it is delivered twice
            self.apply(subtask_id, lambda s, of, now: domain.apply_prelabel(s, of, prelabel=seen, now=now))
        mode = self.brief.terms.detector.mode
        if book.ended is not None or book.has_prelabel or mode == "off":
            assert self.states[subtask_id] == before
            return
        book.has_prelabel = True
        is_early = self.is_first and self.now < book.offered_at and named is not None
        book.offered_at = min(book.offered_at, self.now)
        if is_early and mode == "accept" and confidence >= 0.9:
            book.votes[DETECTOR] = named
            book.end("completed", named, "detector", now=self.now)
        elif is_early and mode == "vote":
            book.count(DETECTOR, named, None, self.now)

    @rule(index=subtasks, by=st.sampled_from(["judge", "other"]), label=st.integers(0, 3))
    def adjudicate(self, index, by, label) -> None:
        subtask_id, book = self.picked(index)
        name = [*self.brief.terms.labels, "wolf"][label % (len(self.brief.terms.labels) + 1)]
        outcome = self.apply(
            subtask_id,
            lambda s, of, now: domain.adjudicate(s, of, by=by, label=name, reason="seen", now=now),
        )
        if name not in self.brief.terms.labels:
            assert isinstance(outcome, UnknownLabel)
        elif book.result is None:
            assert isinstance(outcome, NotOpen)
        elif (book.result.by, book.result.label) == (by, name):
            assert outcome.facts == ()
        else:
            assert outcome.facts == (Fact.ADJUDICATED,)
            agreement = list(book.votes.values()).count(name) / len(book.votes) if book.votes else None
            book.ended, book.adjudications = "completed", book.adjudications + 1
            book.result = replace(
                book.result,
                label=name,
                agreement=agreement,
                decided_by="adjudicator",
                revision=book.result.revision + 1,
                completed_at=self.now,
                by=by,
                reason="seen",
            )

    @rule(index=subtasks)
    def redeliver_opening(self, index) -> None:
        subtask_id, _ = self.picked(index)
        assert not self.run(self.store.open(self.brief, lambda _now: self.opening(subtask_id)))

    @rule(seconds=st.sampled_from([1.0, 29.0, 30.0, LEASE_S - 1, LEASE_S]))
    def wait(self, seconds) -> None:
        self.now += seconds

    @rule(data=st.data())
    def wait_until_something_ends(self, data) -> None:
        """Exactly onto an expiry, or onto the end of waiting for the detector."""
        ends = {lease[1] for book in self.books.values() for lease in book.leases.values()}
        ends |= {book.offered_at for book in self.books.values()}
        if ahead := sorted(end for end in ends if end > self.now):
            self.now = data.draw(st.sampled_from(ahead))

    # What must hold after every step

    @invariant()
    def the_votes_are_those_acknowledged_and_not_undone(self) -> None:
        for subtask_id, book in self.books.items():
            votes = self.states[subtask_id].votes
            assert {vote.voter: vote.label for vote in votes} == book.votes
            assert len({vote.voter for vote in votes}) == len(votes) <= self.brief.terms.quorum.max_votes

    @invariant()
    def it_has_ended_exactly_when_the_policy_says_so_and_stays_as_it_ended(self) -> None:
        for subtask_id, book in self.books.items():
            subtask = self.states[subtask_id]
            assert subtask.state == (book.ended or "open")
            assert subtask.result == book.result
            if book.ended is None:
                assert not book.is_settled()

    @invariant()
    def each_end_is_told_once(self) -> None:
        for subtask_id, book in self.books.items():
            facts = [fact for about, fact in self.facts if about == subtask_id]
            assert facts.count(Fact.COMPLETED) + facts.count(Fact.DISPUTED) == book.endings == int(bool(book.ended))
            assert facts.count(Fact.ADJUDICATED) == book.adjudications
            assert facts.count(Fact.OPENED) == int(self.brief.terms.detector.mode != "off")

    @invariant()
    def the_live_leases_are_those_granted_and_within_the_places(self) -> None:
        for subtask_id, book in self.books.items():
            live = domain.live_leases(self.states[subtask_id], self.now)
            assert {lease.operator: (lease.token, lease.expires_at) for lease in live} == book.live(self.now)
            assert len(live) <= (0 if book.ended else book.places())

    @invariant()
    def it_is_available_where_a_place_is_free_or_opens_by_expiry(self) -> None:
        for subtask_id, book in self.books.items():
            at = self.states[subtask_id].available_at
            live = book.live(self.now)
            if book.ended:
                assert at is None
            elif len(live) >= book.places():
                assert at == min(expires_at for _, expires_at in live.values())
            else:
                assert at is not None
                assert at <= self.now or at == book.offered_at

    @invariant()
    def the_store_holds_the_same(self) -> None:
        for subtask_id, subtask in self.states.items():
            assert self.run(self.store.find(subtask_id)) == (subtask, self.brief)
        told = [(message.subject, message.type.split(".")[1]) for message in self.run(self.store.pending(1000))]
        assert told == [(subtask_id, fact.value) for subtask_id, fact in self.facts]


TestLabeling = Labeling.TestCase
TestLabeling.settings = settings(
    max_examples=250,
    stateful_step_count=40,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),  # shrinking a long history takes minutes
    report_multiple_bugs=False,
)
