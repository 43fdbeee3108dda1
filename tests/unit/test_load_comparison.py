"""What was acknowledged in a run, held against what is there; and how far its work got."""

from collections import Counter
from datetime import datetime

from loadtest.people import comparison
from loadtest.people.about import Seen, look, replicas, without_secrets
from loadtest.people.backlog import progress
from loadtest.people.comparison import compared, expected, spread
from loadtest.people.statistics import Act


def acts(*told):
    """Each `at_s act who task image detail`, its end left out where it does not matter."""
    rows = [(*one.split(), "", "", "", "")[:6] for one in told]
    return [
        Act(at_s=float(at_s), act=act, who=who, task_id=task, subtask_id=image, detail=detail)
        for at_s, act, who, task, image, detail in rows
    ]


RUN = acts(
    "0 created ann t1",
    "1 accepted ann t1 a aaa",
    "1 accepted ann t1 b bbb",
    "2 sealed ann t1",
    "3 voted op1 t1 a cat",
    "4 voted op2 t1 a dog",
    "4 undone op2 t1 a",
    "5 voted op2 t1 a cat",
    "5 ended op2 t1 a completed",
    "6 created ann t2",
    "6 accepted ann t2 c ccc",
    "7 cancelling ann t2",
    "8 voted op1 t1 b dog",
    "9 ended op1 t1 b disputed",
    "9 ended op1 old z completed",
)


def result(image_id, sha256, votes):
    return {"image_id": image_id, "sha256": sha256, "votes": votes}


def test_what_is_expected_is_what_was_acknowledged_and_stands():
    found = expected(RUN)
    assert found.keys() == {"t1"}  # the other one was cancelled
    assert found["t1"].images == {"a": "aaa", "b": "bbb"}
    assert found["t1"].votes == {"a": Counter(cat=2), "b": Counter(dog=1)}


def test_a_task_cancelled_before_its_upload_was_answered_is_left_out():
    assert not expected(acts("0 cancelling ann t1", "1 accepted ann t1 a aaa"))


def test_results_that_hold_all_of_it():
    found = compared(expected(RUN)["t1"], [result("a", "aaa", {"cat": 2}), result("b", "bbb", None)])
    assert +found == Counter(images=2, votes=2)  # of an open image nobody is told votes


def test_what_lacks_or_is_another():
    task = expected(RUN)["t1"]
    found = compared(task, [result("a", "xxx", {"cat": 1, "dog": 5}), result("z", "zzz", None)])
    assert +found == Counter(images=2, lacking=1, altered=1, foreign=1, votes=2, votes_lacking=1)


def test_many_tasks_are_spread_evenly():
    assert spread("abc", 5) == "abc"
    assert spread(range(100), 4) == [0, 25, 50, 75]


def test_a_platform_that_is_down_cannot_be_compared():
    found = comparison.compare("http://127.0.0.1:9", RUN)
    assert (found.tasks, found.compared) == (1, 0)
    assert "1 of 1 tasks could not be compared" in found.problems()[0]


def test_how_far_the_work_got():
    seen = progress(RUN, [0, 1, 5, 6, 9])
    assert [one.images_waiting for one in seen] == [0, 2, 1, 2, 0]
    assert [one.tasks_made for one in seen] == [1, 1, 1, 2, 2]
    assert [one.tasks_finished for one in seen] == [0, 0, 0, 0, 1]
    last = seen[-1]
    assert (last.tasks_cancelled, last.images_taken, last.images_ended) == (1, 3, 2)


def test_a_task_erased_after_it_was_finished_counts_as_finished():
    told = ("0 created ann t", "1 accepted ann t a aaa", "2 sealed ann t", "3 ended op t a", "4 cancelling ann t")
    last = progress(acts(*told), [5])[0]
    assert (last.tasks_finished, last.tasks_cancelled, last.images_waiting) == (1, 0, 0)


def test_an_image_that_ended_before_its_upload_was_answered_does_not_wait():
    last = progress(acts("0 created ann t", "1 ended op t a", "2 accepted ann t a aaa"), [3])[0]
    assert (last.images_waiting, last.images_taken, last.images_ended) == (0, 1, 1)


def test_replicas_that_were_silent_have_ended():
    def one(service, seen_at):
        return {"service": service, "version": "0.1.0", "profile": "distributed", "last_seen_at": seen_at}

    told = {
        "as_of": "2030-01-01T00:01:00Z",
        "services": [
            one("task-manager", "2030-01-01T00:00:58Z"),
            one("task-manager", "2030-01-01T00:00:59Z"),
            one("task-manager", "2030-01-01T00:00:01Z"),
        ],
    }
    found = replicas(told)
    assert found == {"task-manager 0.1.0 (distributed)": 2}
    at = datetime.fromisoformat(told["as_of"])
    assert str(Seen(at=at, replicas=found)) == "2 x task-manager 0.1.0 (distributed)"


def test_a_platform_that_is_down_is_said_not_to_answer():
    assert look("http://127.0.0.1:9").problem.startswith("no answer")


def test_an_address_is_shown_without_what_may_be_secret():
    assert without_secrets("http://ann:secret@h:8080/a?key=1#b") == "http://h:8080/a"
