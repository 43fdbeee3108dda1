"""The pictures that are submitted, and the labels that they should get."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtest import samples
from quorate.truths import read_truth

TRUTH = "truth.json"
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """Files of a folder, and the model that looks at them.

    truth: labels by file name; None where nobody knows them, and what the model says without loss is taken for true.
    """

    folder: Path
    names: tuple[str, ...]
    model: str
    truth: Mapping[str, str] | None


def sampled(folder: Path, count: int) -> Pictures:
    """Sample pictures and the tiny model that sees them rightly: those of one colour, and none of the faint ones."""
    drawn = samples.draw(folder, 2 * count, seed=0)
    seen = [one for one in drawn if not one.is_faint and len({square.label for square in one.squares}) == 1][:count]
    return Pictures(
        folder=folder,
        names=tuple(one.filename for one in seen),
        model=str(samples.write_model(folder / "model").absolute()),
        truth={one.filename: one.label for one in seen},
    )


def own(folder: Path, count: int, model: str) -> Pictures:
    """The first pictures of a folder by name; their labels from its `truth.json`, where there is one."""
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)[:count]
    truth = read_truth(folder / TRUTH) if (folder / TRUTH).exists() else None
    return Pictures(folder=folder, names=tuple(names), model=model, truth=truth)
