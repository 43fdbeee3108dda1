"""The control loop: metrics of fleets in, replicas out, as the horizontal pod autoscaler does it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from loadtest.experiments.fleet import Fleet, Member
from loadtest.experiments.hpa import (
    AverageValue,
    History,
    Hpa,
    Pod,
    Utilization,
    begun,
    decide,
    for_average_value,
    for_utilization,
    recommend,
)

SYNC_S = 15.0
"""How often the controller looks, and the window of the metrics server: their defaults."""
INITIALIZATION_S = 300.0
"""How long after a pod's start a figure that includes time before it was ready is passed over: the default."""


@dataclass(slots=True, kw_only=True)
class Scaled:
    """A fleet, what scales it, and what its last look left behind.

    request_cores: what each pod requests, to which its use is compared.
    depth: of the service's queues, in messages.
    """

    fleet: Fleet
    hpa: Hpa
    request_cores: float
    depth: Callable[[], int]
    hastened: float = 1.0
    recommended: int = 0
    _history: History | None = None
    _samples: dict[str, tuple[float, float]] = field(default_factory=dict)
    """By group: the time of the last look, and the processor seconds used by then."""

    def start(self, now: float) -> None:
        """Have the least replicas."""
        self.recommended = self.hpa.least
        self._history = begun(self.hpa.least, now)
        self.fleet.scale(self.hpa.least, now)

    def look(self, now: float) -> None:
        """Read the metrics, decide, and scale."""
        if self._history is None:
            return
        members = self.fleet.members()
        pods = [self._pod(member, now) for member in members]
        self._samples = {member.cgroup.name: (now, member.cgroup.cpu_s()) for member in members}
        proposals = [self._proposal(target, pods) for target in self.hpa.targets]
        if all(proposal is None for proposal in proposals):
            return  # without any metric the controller neither scales nor remembers
        current = len(members)
        self.recommended = recommend(proposals, current)
        replicas, self._history = decide(
            self.hpa, self._history, current=current, recommended=self.recommended, now=now
        )
        self.fleet.scale(replicas, now)

    def _pod(self, member: Member, now: float) -> Pod:
        last_at, last_cpu_s = self._samples.get(member.cgroup.name, (now, 0.0))
        if now <= last_at:
            return Pod(used=None, is_ready=member.is_serving)
        used = (member.cgroup.cpu_s() - last_cpu_s) / (now - last_at) / self.request_cores
        is_old = now - member.began_at > INITIALIZATION_S / self.hastened
        was_ready = member.ready_at is not None and (is_old or member.ready_at <= last_at)
        return Pod(used=used, is_ready=was_ready)

    def _proposal(self, target: Utilization | AverageValue, pods: Sequence[Pod]) -> int | None:
        if isinstance(target, Utilization):
            return for_utilization(target, pods, self.hpa)
        return for_average_value(target, self.depth(), len(pods), self.hpa)


def by_queue(hpa: Hpa, messages: float) -> Hpa:
    """The same bounds and behaviour, but so many waiting messages to a replica instead of its metrics."""
    return replace(hpa, targets=[AverageValue(metric="messages_waiting", value=messages)])
