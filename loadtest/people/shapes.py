"""How the load changes over a run: who is there, and how long they pause. Pure functions of the time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["client", "operator", "detector"]
ShapeName = Literal["pyramid", "steps", "spike", "soak"]

KINDS: tuple[Kind, ...] = ("client", "operator", "detector")
SHAPES: tuple[ShapeName, ...] = ("pyramid", "steps", "spike", "soak")

PYRAMID_CLIENT_S = (6.0, 5.0, 4.0, 3.0, 2.0, 2.0, 3.0, 4.0, 6.0, 6.0)
PYRAMID_OPERATOR_S = (9.0, 7.0, 5.0, 4.0, 3.0, 3.0, 4.0, 5.0, 9.0, 9.0)
"""Pauses by tenth of the run, as published for system A (PREDECESSORS.md), where a tenth is a minute."""
STEPS = 5
BEFORE_SPIKE, SPIKE, AFTER_SPIKE = 0.4, 0.2, 0.4
CALM = 0.2
"""The share of all people who are there before and after a spike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadStep:
    """A share of the run's time, in which a share of all people is there, who pause so long between iterations."""

    time: float
    people: float
    pauses_s: Mapping[Kind, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Load steps, one after the other, over a run of `duration_s`. The shares of their times add up to 1."""

    duration_s: float
    steps: Sequence[LoadStep]

    def step_at(self, elapsed_s: float) -> LoadStep | None:
        """The load step at so long after the start; none once the run is over."""
        if elapsed_s >= self.duration_s:
            return None
        end_s = 0.0
        for step in self.steps:
            end_s += step.time * self.duration_s
            if elapsed_s < end_s:
                return step
        return self.steps[-1]  # the shares add up to a little less than 1

    def pause_s(self, kind: Kind, elapsed_s: float) -> float:
        """The pause of a kind of people that begins so long after the start."""
        return (self.step_at(elapsed_s) or self.steps[-1]).pauses_s[kind]

    @property
    def longest_pause_s(self) -> float:
        """Of anybody at any time."""
        return max(pause_s for step in self.steps for pause_s in step.pauses_s.values())

    def people_at(self, elapsed_s: float, total: int) -> int | None:
        """How many of all people are there, at least one; none once the run is over."""
        step = self.step_at(elapsed_s)
        return None if step is None else max(1, round(total * step.people))


def schedule(shape: ShapeName, duration_s: float, pauses_s: Mapping[Kind, float]) -> Schedule:
    """The load steps of a shape. The pyramid has its own pauses for clients and operators, not those given."""
    return Schedule(duration_s=duration_s, steps=_steps(shape, pauses_s))


def _steps(shape: ShapeName, pauses_s: Mapping[Kind, float]) -> list[LoadStep]:
    match shape:
        case "pyramid":
            return [
                LoadStep(time=0.1, people=1, pauses_s={**pauses_s, "client": client_s, "operator": operator_s})
                for client_s, operator_s in zip(PYRAMID_CLIENT_S, PYRAMID_OPERATOR_S, strict=True)
            ]
        case "steps":
            return [LoadStep(time=1 / STEPS, people=step / STEPS, pauses_s=pauses_s) for step in range(1, STEPS + 1)]
        case "spike":
            shares = ((BEFORE_SPIKE, CALM), (SPIKE, 1.0), (AFTER_SPIKE, CALM))
            return [LoadStep(time=time, people=people, pauses_s=pauses_s) for time, people in shares]
        case "soak":
            return [LoadStep(time=1, people=1, pauses_s=pauses_s)]
