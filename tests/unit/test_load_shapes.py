import pytest

from loadtest.people.shapes import SHAPES, schedule

PAUSES = {"client": 2.0, "operator": 3.0, "detector": 0.5}


def test_the_pyramid_pauses_by_minute_as_published():
    pyramid = schedule("pyramid", 600, PAUSES)
    middles = [minute * 60 + 30 for minute in range(10)]
    assert [pyramid.pause_s("client", at) for at in middles] == [6, 5, 4, 3, 2, 2, 3, 4, 6, 6]
    assert [pyramid.pause_s("operator", at) for at in middles] == [9, 7, 5, 4, 3, 3, 4, 5, 9, 9]
    assert {pyramid.pause_s("detector", at) for at in middles} == {0.5}
    assert {pyramid.people_at(at, 25) for at in middles} == {25}


def test_a_shorter_pyramid_has_the_same_pauses_for_a_shorter_time():
    whole, short = schedule("pyramid", 600, PAUSES), schedule("pyramid", 60, PAUSES)
    for second in range(60):
        assert short.pause_s("client", second + 0.5) == whole.pause_s("client", (second + 0.5) * 10)


def test_a_step_begins_exactly_where_the_one_before_ends():
    pyramid = schedule("pyramid", 600, PAUSES)
    assert pyramid.pause_s("client", 59.999) == 6
    assert pyramid.pause_s("client", 60) == 5


@pytest.mark.parametrize("shape", SHAPES)
def test_a_run_ends_on_time_and_not_before(shape):
    of = schedule(shape, 90, PAUSES)
    assert of.people_at(0, 40) is not None
    assert of.people_at(89.999, 40) is not None
    assert of.people_at(90, 40) is None
    assert of.pause_s("client", 1000) > 0
    assert sum(one.time for one in of.steps) == pytest.approx(1)


def test_steps_rise_evenly_to_everybody():
    steps = schedule("steps", 50, PAUSES)
    assert [steps.people_at(second, 20) for second in (0, 10, 20, 30, 40)] == [4, 8, 12, 16, 20]


def test_a_spike_comes_and_goes():
    spike = schedule("spike", 100, PAUSES)
    assert [spike.people_at(second, 50) for second in (39, 40, 59.9, 60)] == [10, 50, 50, 10]


def test_somebody_is_always_there():
    assert schedule("steps", 10, PAUSES).people_at(0, 1) == 1
