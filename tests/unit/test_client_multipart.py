"""File names on the wire."""

from io import BytesIO
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from quorate.multipart import CHUNK_BYTES, Form, disposition


@pytest.mark.parametrize("name", ["dog.png", "a b.png", "猫/größe.jpg", "it's; here=1.png", "a\u2028b", "\u202egpj"])
def test_a_plain_name_is_sent_plainly(name):
    assert disposition(name) == f'form-data; name="images"; filename="{name}"'


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('24" monitor.png', "24%22%20monitor.png"),
        ("24%22 monitor.png", "24%2522%20monitor.png"),
        ("a\nb.png", "a%0Ab.png"),
        ("a\rb\0.png", "a%0Db%00.png"),
        (" vorne.png", "%20vorne.png"),
        ("hinten.png\u00a0", "hinten.png%C2%A0"),
        ("a\\b.png", "a%5Cb.png"),
        ("ü/50%.png", "%C3%BC%2F50%25.png"),
        ("", ""),
    ],
)
def test_a_name_that_is_read_differently_here_and_there_is_written_out(name, sent):
    assert disposition(name) == f"form-data; name=\"images\"; filename*=UTF-8''{sent}"


@given(some.text(some.characters(exclude_categories=["Cs"])))
def test_every_name_can_be_read_back_from_one_line(name):
    sent = disposition(name)
    assert not {"\r", "\n", "\0"} & set(sent)
    plain = sent.removeprefix('form-data; name="images"; filename=')
    assert (plain[1:-1] if plain.startswith('"') else unquote(sent.partition("''")[2])) == name


def test_a_form_is_as_long_as_it_says():
    files = {"a.png": b"", "b.png": bytes(CHUNK_BYTES * 2 + 1), 'c".png': b"\r\n--x\r\n"}
    form = Form([(name, BytesIO(data)) for name, data in files.items()])
    body = b"".join(form)
    assert len(body) == int(form.headers["Content-Length"])
    boundary = form.headers["Content-Type"].partition("boundary=")[2].encode()
    parts = body.removesuffix(b"\r\n--%b--\r\n" % boundary).split(b"--%b\r\n" % boundary)[1:]
    sent = [part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n") for part in parts[:-1]]
    assert [*sent, parts[-1].partition(b"\r\n\r\n")[2]] == list(files.values())
