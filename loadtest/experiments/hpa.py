"""The algorithm of Kubernetes' HorizontalPodAutoscaler (autoscaling/v2) as pure functions.

Written after the page "Horizontal Pod Autoscaling" of the Kubernetes documentation (algorithm details, support for
multiple metrics, configurable scaling behaviour); where that is silent, after what kube-controller-manager does.
Time is an argument, in seconds on any clock that only goes forward.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

TOLERANCE = 0.1
FULL = 1.0
"""A pod that uses just what it requested."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """At most `value` pods, or per cent of the pods, may come or go within any `period_s`."""

    kind: Literal["Pods", "Percent"]
    value: int
    period_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """How fast replicas may change in one direction. `select` says which of several policies holds."""

    window_s: float
    policies: Sequence[Policy]
    select: Literal["Max", "Min", "Disabled"] = "Max"
    tolerance: float = TOLERANCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Utilization:
    """A target of CPU use as a share of what pods request, 0.8 for 80 %."""

    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AverageValue:
    """A target of an external metric for each replica, such as messages in a queue."""

    metric: str
    value: float


Target = Utilization | AverageValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Hpa:
    """What a manifest asks for."""

    service: str
    least: int
    most: int
    targets: Sequence[Target]
    up: Direction
    down: Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """One replica as the metrics see it: its CPU use as a share of its request, None while there is no figure.

    `is_ready` is false as well for a pod whose figure includes time before it became ready.
    """

    used: float | None
    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class Past:
    """Replicas at a time: how many the metrics asked for, or how many came (or went, below 0)."""

    at: float
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What stabilisation and policies look back at."""

    recommendations: tuple[Past, ...] = ()
    changes: tuple[Past, ...] = ()


def begun(current: int, now: float) -> History:
    """At the beginning, as if the present replicas had just been recommended, so that they do not fall at once."""
    return History(recommendations=(Past(now, current),))


def for_utilization(target: Utilization, pods: Sequence[Pod], hpa: Hpa) -> int | None:
    """Replicas for a CPU target; None where no ready pod has a figure.

    Missing figures count as a full request (so the controller; the documentation says: as the target) when scaling
    down and as nothing when scaling up, and pods that are not ready and have a figure as nothing when scaling up. Where
    that turns the direction round, nothing changes.
    """
    current = len(pods)
    known = [pod.used for pod in pods if pod.is_ready and pod.used is not None]
    if not known:
        return None
    ratio = _ratio(known, target)
    missing = sum(pod.used is None for pod in pods)
    unready = sum(not pod.is_ready and pod.used is not None for pod in pods) if ratio > 1 else 0
    if not missing and not unready:
        return current if _is_near(ratio, hpa) else math.ceil(_trim(ratio * len(known)))
    filler = 0.0 if ratio > 1 else max(FULL, target.share)
    filled = known + [filler] * missing + [0.0] * unready
    careful = _ratio(filled, target)
    if _is_near(careful, hpa) or (careful > 1) != (ratio > 1):
        return current
    replicas = math.ceil(_trim(careful * len(filled)))
    return current if (replicas > current) != (careful > 1) else replicas


def for_average_value(target: AverageValue, total: float, current: int, hpa: Hpa) -> int:
    """Replicas for an external metric whose sum over all replicas is `total`."""
    if current and _is_near(total / (target.value * current), hpa):
        return current
    return math.ceil(_trim(total / target.value))


def recommend(proposals: Sequence[int | None], current: int) -> int:
    """The greatest proposal of several metrics. Where one is unknown, the others may only scale up."""
    known = [proposal for proposal in proposals if proposal is not None]
    if not known or (len(known) < len(proposals) and max(known) < current):
        return current
    return max(known)


def decide(hpa: Hpa, history: History, *, current: int, recommended: int, now: float) -> tuple[int, History]:
    """Replicas from now on, and what is to be remembered of it."""
    if not hpa.least <= current <= hpa.most:
        replicas = min(max(current, hpa.least), hpa.most)  # as at once as the manifest is applied
        return replicas, _remembering(hpa, history, now, changed=replicas - current)
    wanted = _stabilised(hpa, history, current, recommended, now)
    if wanted > current:
        limit = max(current, _limit(hpa.up, history, current, now, is_up=True))
        replicas = min(wanted, limit, hpa.most)
    else:
        limit = min(current, _limit(hpa.down, history, current, now, is_up=False))
        replicas = max(wanted, limit, hpa.least)
    return replicas, _remembering(hpa, history, now, recommended=recommended, changed=replicas - current)


def _stabilised(hpa: Hpa, history: History, current: int, recommended: int, now: float) -> int:
    """Up to the least, and down to the most, that was recommended within the window of the direction."""

    def within(window_s: float) -> list[int]:
        return [recommended, *(one.replicas for one in history.recommendations if one.at > now - window_s)]

    return min(max(current, min(within(hpa.up.window_s))), max(within(hpa.down.window_s)))


def _limit(direction: Direction, history: History, current: int, now: float, *, is_up: bool) -> int:
    """How far the policies let the replicas go."""
    if direction.select == "Disabled" or not direction.policies:
        return current
    farthest, nearest = (max, min) if is_up else (min, max)
    choose: Callable[[Sequence[int]], int] = farthest if direction.select == "Max" else nearest
    return choose([_allowed(policy, history, current, now, is_up=is_up) for policy in direction.policies])


def _allowed(policy: Policy, history: History, current: int, now: float, *, is_up: bool) -> int:
    recent = sum(change.replicas for change in history.changes if change.at > now - policy.period_s)
    began = current - recent
    if policy.kind == "Pods":
        return began + policy.value if is_up else began - policy.value
    if is_up:
        return math.ceil(_trim(began * (100 + policy.value) / 100))
    return math.floor(_trim(began * (100 - policy.value) / 100))


def _remembering(
    hpa: Hpa, history: History, now: float, *, recommended: int | None = None, changed: int = 0
) -> History:
    """The history with this decision, without entries that are older than every window."""
    window_s = max(hpa.up.window_s, hpa.down.window_s)
    period_s = max((policy.period_s for way in (hpa.up, hpa.down) for policy in way.policies), default=0.0)
    recommendations = [one for one in history.recommendations if one.at > now - window_s]
    changes = [one for one in history.changes if one.at > now - period_s]
    if recommended is not None:
        recommendations.append(Past(now, recommended))
    if changed:
        changes.append(Past(now, changed))
    return History(recommendations=tuple(recommendations), changes=tuple(changes))


def _is_near(ratio: float, hpa: Hpa) -> bool:
    """Whether the ratio to the target is so close to 1 that nothing is to be done."""
    return 1 - hpa.down.tolerance <= _trim(ratio) <= 1 + hpa.up.tolerance


def _ratio(shares: Sequence[float], target: Utilization) -> float:
    """Of the average to the target, in whole per cent as the controller has them."""
    return math.floor(_trim(100 * sum(shares) / len(shares))) / (100 * target.share)


def _trim(value: float) -> float:
    """Without the noise of binary fractions: 3 * 1.1 is not more than 3.3."""
    return round(value, 9)
