import argparse
from pathlib import Path

import pytest

from loadtest.people.options import Drop, Options, declare


def parsed(*arguments):
    parser = argparse.ArgumentParser()
    declare(parser.add_argument)
    return Options.of(parser.parse_args(arguments), {})


def test_without_arguments_all_is_as_by_default():
    assert parsed() == Options()
    assert Options().arguments() == []


@pytest.mark.parametrize(
    "options",
    [
        Options(shape="spike", clients=0, operators=3, detectors=2, minutes=0.5, votes=1, arrivals=50.0),
        Options(retries=False, reconnect=True, timeout=3.0, pictures=Path("pictures"), records=Path("records")),
        Options(drop_operators=Drop(share=0.3, at_s=120.0), skip_share=0.0, close_tab_share=0.5, follow_share=0.0),
    ],
)
def test_its_arguments_say_the_same(options):
    assert parsed(*options.arguments()) == options


def test_pictures_come_from_the_environment_too():
    given = argparse.Namespace(**{name: getattr(Options(), name) for name in Options.__slots__})
    assert Options.of(given, {"PICTURES": "a"}).pictures == Path("a")
    given.pictures = Path("b")
    assert Options.of(given, {"PICTURES": "a"}).pictures == Path("b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"clients": 0, "operators": 0},
        {"clients": -1},
        {"minutes": 0},
        {"timeout": 0},
    ],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="--"):
        Options(**wrong)


def test_who_is_dropped():
    drop = Drop.parse("0.3@120")
    assert drop == Drop(share=0.3, at_s=120.0)
    assert drop.count(10) == 3
    assert Drop.parse(str(drop)) == drop


@pytest.mark.parametrize("text", ["", "0.3", "3@1", "0.3@", "1.5@2", "-0.1@3", "0.3@x"])
def test_a_drop_that_is_none_is_refused(text):
    with pytest.raises(argparse.ArgumentTypeError):
        Drop.parse(text)
