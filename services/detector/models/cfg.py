"""Darknet's `.cfg`: the layers of a network, and how many numbers each keeps in the `.weights`."""

from dataclasses import dataclass
from pathlib import Path

from services.detector.models.model import ModelUnusable
from services.detector.models.names import read_lines

_WEIGHTLESS = {"shortcut", "maxpool", "avgpool", "upsample", "dropout", "sam", "softmax", "yolo", "region"}
"""Layers without weights of their own that keep the number of channels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One `[kind]` of a cfg file and its `option=value` lines."""

    kind: str
    options: dict[str, str]

    def integer(self, option: str, default: int | None = None) -> int:
        if option not in self.options and default is None:
            raise ValueError(f"[{self.kind}] has no {option}")
        return int(self.options.get(option, default or 0))

    def number(self, option: str, default: float) -> float:
        return float(self.options.get(option, default))

    def integers(self, option: str) -> list[int]:
        if option not in self.options:
            raise ValueError(f"[{self.kind}] has no {option}")
        return [int(number) for number in self.options[option].split(",")]


def read_sections(cfg: Path) -> list[Section]:
    sections: list[Section] = []
    for line in read_lines(cfg, fix="name the .cfg of a Darknet model"):
        content = line.split("#")[0].split(";")[0].strip()
        if content.startswith("["):
            sections.append(Section(kind=content.strip("[]").strip().lower(), options={}))
        elif "=" in content and sections:
            option, value = content.split("=", 1)
            sections[-1].options[option.strip()] = value.strip()
    if not sections or sections[0].kind not in {"net", "network"}:
        raise ModelUnusable(f"{cfg} is no Darknet cfg, which begins with [net]: fetch it again")
    return sections


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer in its place.

    sources: the numbers of the layers that it reads, -1 for the picture.
    channels_in: of each source, in the same order.
    channels: that leave it.
    values: how many numbers Darknet saves for it (`save_weights` in its parser.c), all in convolutions.
    """

    section: Section
    sources: tuple[int, ...]
    channels_in: tuple[int, ...]
    channels: int
    values: int


def place_layers(network: Section, sections: list[Section]) -> list[Layer]:
    """The layers with their channels. Raises ValueError for an unknown layer, and for one that reads a later layer."""
    layers: list[Layer] = []
    for index, section in enumerate(sections):
        sources = _sources(section, index)
        channels_in = tuple(layers[i].channels if i >= 0 else network.integer("channels", 3) for i in sources)
        channels, values = _channels_and_values(section, channels_in)
        layers.append(
            Layer(section=section, sources=sources, channels_in=channels_in, channels=channels, values=values)
        )
    return layers


def count_weights(network: Section, sections: list[Section]) -> int:
    """How many numbers Darknet saves for all layers."""
    return sum(layer.values for layer in place_layers(network, sections))


def _sources(section: Section, index: int) -> tuple[int, ...]:
    def absolute(number: int) -> int:
        source = number + index if number < 0 else number
        if not 0 <= source < index:
            raise ValueError(f"[{section.kind}] points at layer {number}, which does not come before it")
        return source

    match section.kind:
        case "route":
            return tuple(map(absolute, section.integers("layers")))
        case "shortcut" | "scale_channels":
            return (index - 1, *map(absolute, section.integers("from")))
        case _:
            return (index - 1,)


def _channels_and_values(section: Section, channels_in: tuple[int, ...]) -> tuple[int, int]:
    match section.kind:
        case "convolutional":
            filters, size = section.integer("filters", 1), section.integer("size", 1)
            per_filter = 4 if section.integer("batch_normalize", 0) else 1
            return filters, filters * (per_filter + channels_in[0] // section.integer("groups", 1) * size * size)
        case "route":
            return sum(channels_in) // section.integer("groups", 1), 0
        case "scale_channels":
            return channels_in[1], 0
        case "reorg":
            return channels_in[0] * section.integer("stride", 1) ** 2, 0
        case kind if kind in _WEIGHTLESS:
            return channels_in[0], 0
        case kind:
            raise ValueError(f"it has a [{kind}] layer, which is not supported")


def count_classes(sections: list[Section]) -> int:
    counts = {layer.integer("classes") for layer in sections if layer.kind in {"yolo", "region"}}
    if len(counts) != 1:
        raise ValueError("a detector has [yolo] or [region] layers, all with the same classes")
    return counts.pop()
