"""Multipart bodies written by hand."""

BOUNDARY = "bdry"
FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def part(data: bytes, disposition: bytes = b'form-data; name="images"; filename="a.png"') -> bytes:
    return b"--bdry\r\nContent-Disposition: " + disposition + b"\r\n\r\n" + data + b"\r\n"


def form(*parts: bytes, is_ended: bool = True) -> bytes:
    return b"".join(parts) + (b"--bdry--\r\n" if is_ended else b"")


def named(filename: bytes, data: bytes) -> bytes:
    return part(data, b'form-data; name="images"; filename="' + filename + b'"')
