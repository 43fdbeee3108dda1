"""Any order of votes, finishing, new terms, adjudication, removal and return: the rules over the SQLite store."""

import asyncio
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.subtask_manager import domain
from services.subtask_manager.announcements import announce
from services.subtask_manager.refusals import NotOpen
from services.subtask_manager.store.sqlite import SqliteSubtaskStore
from services.subtask_manager.store.sqlite.schema import STEPS
from services.subtask_manager.subtask import Finish, Lease
from shared.errors import NotFound
from shared.events import SubtaskAdjudicatedV1, SubtaskCompletedV1, SubtaskDisputedV1, parse
from shared.results import tally
from shared.sqlite import Database
from shared.teams import FIRST_TEAM
from tests.unit.subtask_builders import LEASE_S, TASK_ID, awaiting, brief

IDS = [f"{number:032x}" for number in range(3)]
PEOPLE = [f"person {number}" for number in range(7)]
ORDER = Finish(by="client", reason="enough")
ENDED = (SubtaskCompletedV1, SubtaskDisputedV1, SubtaskAdjudicatedV1)

some_id, somebody, some_label = st.sampled_from(IDS), st.sampled_from(PEOPLE), st.sampled_from(["cat", "dog", "fox"])


class Lifecycle(RuleBasedStateMachine):
    """Three images of one task. What was acknowledged is kept beside the store and compared after every step."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.now = 1_000.0
        self.database = Database(Path(self.folder.name) / "subtasks.sqlite", STEPS, readers=1)
        self.database.open()
        self.store = SqliteSubtaskStore(self.database, lambda: self.now, announce)
        self.objects = dict.fromkeys(IDS, 0)
        self.votes: dict[str, dict[str, str]] = {}
        self.results: dict[str, list] = {}
        self.told: dict[str, list[int]] = {}

    def teardown(self) -> None:
        self.run(self.database.close())
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        self.folder.cleanup()

    def run(self, work):
        return self.loop.run_until_complete(work)

    @initialize(required=st.integers(1, 5), stop=st.sampled_from(["exact", "settled"]))
    def begin(self, required, stop) -> None:
        self.stop = stop
        self.brief = brief(votes_required=required, stop=stop)
        self.run(self.store.keep_brief(self.brief))
        for subtask_id in IDS:
            self.open(subtask_id)

    def open(self, subtask_id: str) -> None:
        ready = awaiting(subtask_id, self.brief, object_key=f"key {self.objects[subtask_id]}")
        opening = partial(domain.open_subtask, self.brief, image=ready)
        if self.run(self.store.open(self.brief, opening)):
            self.votes[subtask_id], self.results[subtask_id], self.told[subtask_id] = {}, [], []

    def apply(self, subtask_id: str, change):
        """What a rule answered; None where the subtask is gone or refuses."""
        try:
            return self.run(self.store.update(subtask_id, change))
        except (NotFound, NotOpen):
            return None

    def reconsider(self) -> None:
        for subtask_id in self.run(self.store.open_ids(TASK_ID, after="", limit=99)):
            self.apply(subtask_id, domain.reconsider)

    @rule(subtask_id=some_id, who=somebody, label=some_label)
    def vote(self, subtask_id, who, label) -> None:
        lease = Lease(operator=who, token=who, expires_at=self.now + LEASE_S)
        granted = self.apply(subtask_id, partial(domain.grant_lease, lease=lease))
        if granted is None or not granted.answer:
            return
        decision = self.apply(subtask_id, partial(domain.cast_vote, voter=who, label=label, token=who))
        assert decision is not None
        self.votes[subtask_id][who] = label

    @rule(subtask_id=some_id)
    def finish_one(self, subtask_id) -> None:
        before = self.votes.get(subtask_id, {})
        decision = self.apply(subtask_id, partial(domain.finish, order=ORDER))
        if decision is None or not decision.facts:
            return
        counts = [count for _, count in tally(before.values())]
        has_leader = bool(counts) and counts[:1] != counts[1:2]
        assert decision.state.state == ("completed" if has_leader else "disputed")
        assert (decision.state.result.by, decision.state.result.reason) == ("client", "enough")

    @rule(required=st.integers(1, 5))
    def ask_for(self, required) -> None:
        terms = replace(self.brief.terms, quorum=brief(votes_required=required, stop=self.stop).terms.quorum)
        self.brief = replace(self.brief, terms=terms, revision=self.brief.revision + 1)
        assert self.run(self.store.keep_brief(self.brief))
        self.reconsider()

    @rule()
    def finish_all(self) -> None:
        self.brief = replace(self.brief, finish=ORDER, revision=self.brief.revision + 1)
        self.run(self.store.keep_brief(self.brief))
        self.reconsider()
        assert self.run(self.store.open_ids(TASK_ID, after="", limit=99)) == []

    @rule()
    def reopen(self) -> None:
        self.brief = replace(self.brief, finish=None, revision=self.brief.revision + 1)
        self.run(self.store.keep_brief(self.brief))

    @rule(stale=st.integers(1, 3))
    def terms_come_late(self, stale) -> None:
        late = replace(self.brief, revision=self.brief.revision - stale, finish=ORDER)
        assert not self.run(self.store.keep_brief(late))

    @rule(subtask_id=some_id, label=some_label)
    def adjudicate(self, subtask_id, label) -> None:
        self.apply(subtask_id, partial(domain.adjudicate, by="eve", label=label, reason="look"))

    @rule(subtask_id=some_id, again=st.booleans())
    def remove(self, subtask_id, again) -> None:
        for _ in range(1 + again):
            key = f"key {self.objects[subtask_id]}"
            self.run(self.store.remove(domain.removed(TASK_ID, subtask_id, self.now, object_key=key)))
        for kept in (self.votes, self.results, self.told):
            kept.pop(subtask_id, None)
        self.open(subtask_id)  # an event that comes late opens nothing
        assert subtask_id not in self.votes

    @rule(subtask_id=some_id)
    def return_with_another_object(self, subtask_id) -> None:
        if subtask_id in self.votes:
            return
        self.objects[subtask_id] += 1
        self.open(subtask_id)
        assert subtask_id in self.votes
        early = f"key {self.objects[subtask_id] - 1}"
        self.run(self.store.remove(domain.removed(TASK_ID, subtask_id, self.now, object_key=early)))

    @rule(seconds=st.sampled_from([1.0, LEASE_S]))
    def time_passes(self, seconds) -> None:
        self.now += seconds

    @invariant()
    def what_was_acknowledged_is_there(self) -> None:
        for subtask_id in IDS:
            if subtask_id not in self.votes:
                assert self.apply(subtask_id, domain.reconsider) is None, "a removed subtask is not found"
                continue
            subtask, _ = self.run(self.store.find(subtask_id))
            assert {vote.voter: vote.label for vote in subtask.votes} == self.votes[subtask_id]

    @invariant()
    def results_follow_each_other_and_each_was_told_once(self) -> None:
        while messages := self.run(self.store.pending(99)):
            for event in (parse(message.body) for message in messages):
                if isinstance(event, ENDED) and event.subject in self.told:
                    self.told[event.subject].append(event.data.revision)
            self.run(self.store.clear([message.id for message in messages]))
        for subtask_id, before in self.results.items():
            subtask, _ = self.run(self.store.find(subtask_id))
            now = [*subtask.earlier, *([subtask.result] if subtask.result else [])]
            assert now[: len(before)] == before, "what somebody decided is never changed"
            assert [one.revision for one in now] == list(range(1, len(now) + 1))
            assert (subtask.state == "open") == (subtask.result is None)
            assert subtask.state == "open" or (subtask.leases, subtask.available_at) == ((), None)
            assert self.told[subtask_id] == [one.revision for one in now]
            self.results[subtask_id] = now

    @invariant()
    def open_ones_are_counted_right(self) -> None:
        claim = self.run(self.store.claim(FIRST_TEAM, "nobody", task_id=TASK_ID, count=1, grant=refuse))
        assert claim.waiting_for_others == len(self.run(self.store.open_ids(TASK_ID, after="", limit=99)))


def refuse(subtask, _brief, _now):
    return domain.Decision(state=subtask, answer=False)


TestLifecycle = Lifecycle.TestCase
TestLifecycle.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
