"""Which label a simulated operator names."""

import random
from collections.abc import Sequence
from zlib import crc32

AGREEMENT = 0.85
"""How often an operator names the label that the subtask's id stands for, which so is the same for all."""


def choose(rng: random.Random, subtask_id: str, labels: Sequence[str], agreement: float = AGREEMENT) -> str:
    if rng.random() < agreement:
        return labels[crc32(subtask_id.encode()) % len(labels)]
    return rng.choice(labels)
