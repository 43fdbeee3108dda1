"""What grows by design while people work, why, and where that ends."""

from dataclasses import dataclass

from loadtest.soak.series import FILES, Group


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Growth of a group's series whose names end so. It is excused up to `most`, in its unit."""

    group: Group
    ending: str
    most: float
    text: str


KNOWN = (
    Known(
        group=FILES,
        ending=".sqlite-wal",
        most=17.0,
        text="a log of writes grows to 4,000 pages of 4 KiB, is then written into its database, and begins anew",
    ),
    *(
        Known(
            group=FILES,
            ending=f"{name}.sqlite",
            most=20.0,
            text="a task that was cancelled leaves about 2 kB, for QUORATE_CANCELLED_DAYS",
        )
        for name in ("tasks", "subtasks", "consensus")
    ),
    Known(
        group=FILES,
        ending="bus.sqlite",
        most=10.0,
        text="events for a detector, which is absent here, wait for ten minutes",
    ),
)


def why(group: Group, name: str, value: float, known: tuple[Known, ...] = KNOWN) -> str:
    """Why a series that has reached a value may have grown; empty where nothing lets it, or it is past its bound."""
    return next(
        (one.text for one in known if one.group is group and name.endswith(one.ending) and value <= one.most), ""
    )
