"""Operators: they lease, look, and vote."""

from collections.abc import Sequence

from locust.env import Environment
from locust.exception import StopUser

from loadtest.crowd.labels import choose
from loadtest.people.crowd import name_of
from loadtest.people.person import CONFLICT, GONE, Person
from loadtest.people.recording import IN_PART, STARVED, TOGETHER, Stopwatch, WrongAnswer
from quorate.shapes import Ballot, HeldLease, Lease, VoteOutcome

COUNTED = 200


class OperatorUser(Person):
    """Leases a batch, looks at each image, votes or skips; now and then undoes it, or leaves with leases in hand."""

    kind = "operator"

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._number = self.crowd.number(self.kind)

    def work(self, watch: Stopwatch) -> str:
        """Looking at images is not timed: system A's operators did not look."""
        options = self.crowd.options
        if self.happens(options.page_share):
            self._open_page()
        with watch:
            leases = self.client.lease(options.batch)["leases"]
        for lease in leases:
            self.crowd.act("leased", self.name, lease["task_id"], lease["subtask_id"], lease["expires_at"])
        if not leases:
            return STARVED
        if self.crowd.is_vanishing(self._number):
            self._leave("vanished", leases)
            raise StopUser
        if self.happens(options.renew_share):
            self._renew(leases)
        done = self.rng.randrange(len(leases)) if self.happens(options.close_tab_share) else len(leases)
        is_together = self.happens(options.together_share)
        (self._vote_together if is_together else self._settle)(leases[:done], watch)
        if done < len(leases):
            self._leave("left", leases[done:])
            self._come_back()
        return IN_PART if done < options.batch else TOGETHER if is_together else self.kind

    def _open_page(self) -> None:
        """What the Label page asks for when it is opened."""
        self.client.me()
        self.client.preferences()
        self.client.work()
        self.client.activity()

    def _renew(self, leases: Sequence[Lease]) -> None:
        held = [HeldLease(subtask_id=one["subtask_id"], token=one["token"]) for one in leases]
        for lease, outcome in zip(leases, self.client.renew(held), strict=True):
            self._check("renewed", lease, outcome["status"], outcome["code"])

    def _settle(self, leases: Sequence[Lease], watch: Stopwatch) -> None:
        for lease in leases:
            if self._look(lease):
                with watch, self.unless_cancelled(lease["task_id"]):
                    self._settle_one(lease)

    def _look(self, lease: Lease) -> bool:
        """Look at an image; false where it is gone, for its task was cancelled."""
        with self.unless_cancelled(lease["task_id"]):
            self.client.image_bytes(lease["image_url"])
            return True
        return False

    def _settle_one(self, lease: Lease) -> None:
        if self.happens(self.crowd.options.skip_share):
            self.client.skip(lease["subtask_id"])
            self.crowd.act("skipped", self.name, lease["task_id"], lease["subtask_id"])
            return
        self._vote(lease)
        if self.happens(self.crowd.options.undo_share):
            self._change_mind(lease)

    def _vote(self, lease: Lease) -> None:
        label = choose(self.rng, lease["subtask_id"], lease["labels"])
        self._counted(lease, label, self.client.vote(lease["subtask_id"], label, lease["token"]))

    def _change_mind(self, voted: Lease) -> None:
        """Take a vote back and vote again; where the image has ended or others need its places, the vote stays."""
        lease = self._undo(voted)
        if lease is not None:
            self._vote(lease)

    def _undo(self, voted: Lease) -> Lease | None:
        with self.unless_overtaken(lambda status: status == CONFLICT):
            lease = self.client.undo(voted["subtask_id"])
            self.crowd.act("undone", self.name, voted["task_id"], voted["subtask_id"])
            return lease
        return None

    def _vote_together(self, leases: Sequence[Lease], watch: Stopwatch) -> None:
        """All votes in one request, as the page's grid sends them."""
        seen = [lease for lease in leases if self._look(lease)]
        ballots = [
            Ballot(
                subtask_id=lease["subtask_id"],
                label=choose(self.rng, lease["subtask_id"], lease["labels"]),
                token=lease["token"],
                mode="grid",
            )
            for lease in seen
        ]
        if not ballots:
            return
        with watch:
            outcomes = self.client.votes(ballots)
        for lease, ballot, outcome in zip(seen, ballots, outcomes, strict=True):
            if self._check("counted", lease, outcome["status"], outcome["code"]):
                self._counted(lease, ballot["label"], outcome)

    def _check(self, what: str, lease: Lease, status: int, code: str) -> bool:
        """Whether one of several was done; not, where its task was cancelled. Raises WrongAnswer for other refusals."""
        if status == COUNTED:
            return True
        if status in GONE and lease["task_id"] in self.crowd.cancelled:
            return False
        raise WrongAnswer(f"one of several was not {what}: {status} {code}")

    def _counted(self, lease: Lease, label: str, outcome: VoteOutcome) -> None:
        task_id, subtask_id = lease["task_id"], lease["subtask_id"]
        self.crowd.act("voted", self.name, task_id, subtask_id, label)
        if outcome["subtask_state"] not in (None, "open"):
            self.crowd.act("ended", self.name, task_id, subtask_id, outcome["subtask_state"] or "")

    def _leave(self, how: str, leases: Sequence[Lease]) -> None:
        """Go without giving back, so that these leases lapse."""
        for lease in leases:
            self.crowd.act(how, self.name, lease["task_id"], lease["subtask_id"], lease["expires_at"])

    def _come_back(self) -> None:
        """Under another name: the platform would give the same person the same leases, which then would not lapse."""
        self.client.close()
        self.name = name_of(self.kind)
        self.client = self.connect()
