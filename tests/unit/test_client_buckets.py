"""Buckets as the client reads them: with AWS's names of the environment, signed as AWS says, and gently."""

from datetime import UTC, datetime

import httpx
import pytest

from quorate.buckets import Bucket, BucketError, Key, Place, place_of, signed
from quorate.uploads import Found, Part, Unsent
from tests.service.buckets import Bucket as Served

AWS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


def place(**changed) -> Place:
    told = {"endpoint": "http://s3.test", "region": "us-east-1", "bucket": "photos", "prefix": "in/", "key": None}
    return Place(**told | changed)


def test_an_address_with_what_the_environment_says():
    found = place_of("s3://photos/in/a", endpoint=None, region=None, is_public=False, environment=AWS)
    assert (found.endpoint, found.region) == ("https://s3.us-east-1.amazonaws.com", "us-east-1")
    assert (found.bucket, found.prefix, found.key) == (
        "photos",
        "in/a",
        Key(key_id="AKIDEXAMPLE", secret="secret", token=None),
    )
    told = AWS | {"AWS_REGION": "eu", "AWS_ENDPOINT_URL": "http://10.0.0.1/", "AWS_SESSION_TOKEN": "t"}
    found = place_of("s3://photos", endpoint=None, region=None, is_public=False, environment=told)
    assert (found.endpoint, found.region, found.prefix) == ("http://10.0.0.1", "eu", "")
    assert found.key == Key(key_id="AKIDEXAMPLE", secret="secret", token="t")
    assert "secret" not in repr(found)
    assert place_of("s3://photos", endpoint="http://x", region=None, is_public=True, environment={}).key is None


@pytest.mark.parametrize(("url", "environment"), [("s3://", AWS), ("http://photos", AWS), ("s3://photos", {})])
def test_what_is_no_bucket_or_has_no_key_is_refused(url, environment):
    with pytest.raises(BucketError):
        place_of(url, endpoint=None, region=None, is_public=False, environment=environment)


def test_the_example_that_aws_publishes_is_signed_as_published():
    """`GET Bucket (List Objects)` of the documentation of Signature Version 4."""
    key = Key(key_id="AKIA" + "IOSFODNN7EXAMPLE", secret="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", token=None)
    at = datetime(2013, 5, 24, tzinfo=UTC)
    told = signed("https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J", place(key=key), at)
    assert told["authorization"].endswith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")


def reading(served: Served, **changed) -> list[Part | Unsent]:
    def handler(request: httpx.Request) -> httpx.Response:
        answer = served.answer("GET", request.url.raw_path.decode(), b"")
        if answer is None:
            raise httpx.ReadError("cut")
        status, body = answer
        return httpx.Response(status, content=body)

    with Bucket(place(**changed), httpx.MockTransport(handler), sleep=lambda _: None) as bucket:
        return [one.load() if isinstance(one, Found) else one for one in bucket.found()]


def test_objects_come_as_files_of_a_folder_do():
    served = Served({"in/": b"", "in/a b+ä.png": b"1", "in/x.txt": b"2", "in/.DS_Store": b"3", "out/c.png": b"4"})
    first, second, third = reading(served)
    assert first == Unsent(".DS_Store", "skipped", "system file")
    assert isinstance(second, Part)
    assert (second.filename, second.open().read()) == ("a b+ä.png", b"1")
    assert third == Unsent("x.txt", "skipped", "not named like a picture")


def test_what_is_busy_is_asked_again_and_what_is_gone_is_told():
    tries: list[str] = []

    def instead(key: str):
        tries.append(key)
        if key == "in/b.png":
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        return (503, b"") if tries.count(key) < 3 else "as S3"

    served = Served({"in/a.png": b"1", "in/b.png": b"2"}, instead=instead)
    first, second = reading(served)
    assert isinstance(first, Part)
    assert second == Unsent("b.png", "rejected", "the storage answered 404 NoSuchKey")


@pytest.mark.parametrize("trouble", [None, (408, b"")])
def test_a_cut_connection_costs_a_try_and_in_the_end_one_file(trouble):
    tries: list[str] = []

    def instead(key: str):
        tries.append(key)
        return trouble if key == "in/b.png" or tries.count(key) < 3 else "as S3"

    served = Served({"in/a.png": b"1", "in/b.png": b"2", "in/c.png": b"3"}, instead=instead)
    first, second, third = reading(served)
    assert isinstance(first, Part)
    assert isinstance(second, Unsent)
    assert (second.status, tries.count("in/b.png")) == ("rejected", 5)
    assert isinstance(third, Part)


@pytest.mark.parametrize(
    "answer", [None, (403, b"<Error><Code>AccessDenied</Code></Error>"), (200, b"<html>"), (200, b"")]
)
def test_what_cannot_be_listed_is_an_error(answer):
    with pytest.raises(BucketError):
        reading(Served(instead=lambda _key: answer))
