"""What the image recognition service (system B) published: 100 images per rate, client time-out 3 s."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """Jobs finished and jobs answered per second, the share recognised rightly, and the mean seconds of a job."""

    goodput_per_s: float
    throughput_per_s: float
    accuracy: float
    job_s: float


def published() -> dict[float, Published]:
    """By loss rate, 0 to 1."""
    rows = (
        (0.0, 21.13, 21.13, 0.730, 3.13),
        (0.067, 21.06, 21.06, 0.730, 3.24),
        (0.13, 10.56, 10.56, 0.730, 3.21),
        (0.20, 10.45, 10.45, 0.730, 3.00),
        (0.27, 8.01, 8.01, 0.730, 3.25),
        (0.33, 5.59, 5.59, 0.730, 3.18),
        (0.40, 2.44, 2.49, 0.735, 3.26),
        (0.47, 1.45, 1.52, 0.719, 3.13),
        (0.53, 1.11, 1.17, 0.747, 3.28),
        (0.60, 0.41, 0.50, 0.741, 3.31),
    )
    return {
        rate: Published(goodput_per_s=goodput, throughput_per_s=throughput, accuracy=accuracy, job_s=job_s)
        for rate, goodput, throughput, accuracy, job_s in rows
    }
