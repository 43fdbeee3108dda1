"""Server-sent events, as far as the platform uses them."""

from collections.abc import Iterable, Iterator


def lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """The lines of a byte stream, each as soon as it is whole.

    Not httpx's `iter_lines`: that splits at U+2028 and its like as well, which may stand unescaped inside JSON.
    """
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line.removesuffix(b"\r").decode("utf-8", "replace")


def events(stream: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of event name and data; comments and unknown fields are passed over."""
    name, data = "message", list[str]()
    for line in stream:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                yield name, "\n".join(data)
            name, data = "message", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
