"""What a soak showed, as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from loadtest.report import Plot, Report, Series, Table, Verdict
from loadtest.soak.known import why
from loadtest.soak.levels import HOUR_S, LAST, Trend
from loadtest.soak.series import GROUPS, MEMORY, Group, Samples

TIME = "time since the start [s]"
SHOWN = 14
"""A plot shows so many of its series, those that reach highest; the CSV of the samples has all."""
WATCHED = 0.95
"""The share of the run that the samples cover at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soak:
    """A run. failed_looks: how often something could not be looked at. load: the verdict of its load test."""

    profile: str
    seconds: float
    samples: Samples
    failed_looks: int
    load: Verdict


def report(soak: Soak) -> Report:
    trends = [(group, name, soak.samples.trend((group, name))) for group in GROUPS for name in soak.samples.of(group)]
    rows = [
        (group.title, name, *_numbers(one), group.unit, one.judgement, _why(group, name, one))
        for group, name, one in sorted(trends, key=lambda row: row[2].judgement != "grows")
    ]
    allowed = max((one.allowed for group, _, one in trends if group is MEMORY), default=MEMORY.allowance.least)
    columns = ("of", "series", "first", "last", "most", "rise of the last third", "per hour", "unit", "", "why")
    return Report(
        title=f"Soak: {soak.profile}, {soak.seconds:.0f} s",
        verdict=verdict(soak, trends),
        paragraphs=[
            (
                "A series is level where the last third of the run rises by no more than a small share of its median, "
                "by the median of the slopes between medians of six parts of it. What grows by design says why, and "
                "where it ends."
            ),
            (
                f"So a run of {soak.seconds:.0f} s cannot tell a leak of memory of less than "
                f"{allowed * HOUR_S / (LAST * soak.seconds):.0f} MiB an hour in the largest process from none."
            ),
        ],
        parts=[
            Table(title="Levels", columns=columns, rows=rows),
            *(plot(soak.samples, group) for group in GROUPS if soak.samples.of(group)),
        ],
    )


def verdict(soak: Soak, trends: Sequence[tuple[Group, str, Trend]]) -> Verdict:
    """Well where the load went well and nothing of ours grows that has no bound."""
    growing = [(group, name, one) for group, name, one in trends if one.judgement == "grows" and group.is_ours]
    reasons_why = [(_told(group, name, one), why(group, name, one.most)) for group, name, one in growing]
    bad = [told for told, text in reasons_why if not text]
    judged = [one for group, _, one in trends if group.is_ours and one.judgement != "too few"]
    notes = [f"{told}: {text}" for told, text in reasons_why if text]
    reasons = [*bad, *_failed(soak), *(() if judged else ("the run was too short to judge anything",))]
    level = sum(one.judgement == "level" for one in judged)
    sentence = (
        f"Nothing grows without a bound: {level} of {len(judged)} series are level."
        if not reasons
        else f"NOT as it should be: {level} of {len(judged)} series are level."
    )
    return Verdict(is_well=not reasons, sentence=sentence, reasons=reasons, notes=[*notes, *_load(soak)])


def plot(samples: Samples, group: Group) -> Plot:
    names = sorted(samples.of(group), key=lambda name: -max(samples.values[group, name]))
    series = [
        Series(name=name, x=samples.times_s[group, name], y=samples.values[group, name]) for name in names[:SHOWN]
    ]
    return Plot(title=group.title, x_label=TIME, y_label=group.unit, series=series)


def _failed(soak: Soak) -> Iterator[str]:
    if soak.failed_looks:
        yield f"{soak.failed_looks} looks failed: a process ended, or did not answer as it should"
    if (end_s := soak.samples.end_s) < WATCHED * soak.seconds:
        yield f"the samples end after {end_s:.0f} of {soak.seconds:.0f} s"
    if not soak.load.is_well:
        yield from (f"load test: {reason}" for reason in soak.load.reasons)


def _load(soak: Soak) -> list[str]:
    return [f"Load test: {soak.load.sentence}", *soak.load.notes]


def _told(group: Group, name: str, one: Trend) -> str:
    return (
        f"{group.title.lower()} of {name} grows: {one.first:.4g} to {one.last:.4g} {group.unit}, by "
        f"{one.per_hour:.3g} an hour at the end"
    )


def _why(group: Group, name: str, one: Trend) -> str:
    return why(group, name, one.most) if one.judgement == "grows" else ""


def _numbers(one: Trend) -> tuple[float, float, float, float, float]:
    return one.first, one.last, one.most, one.rise, one.per_hour
