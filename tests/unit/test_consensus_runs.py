"""The rules of consensus runs and of vote rows, and what is said of operators."""

from dataclasses import replace

import pytest
from pydantic import ValidationError

from services.consensus import row as rows
from services.consensus import run as runs
from services.consensus.domain.conduct import ConductBook
from services.consensus.row import KnownTask, Row
from services.consensus.run import CLAIM_S, CUT_SHORT, MAX_ATTEMPTS, Outcome, Run, Sending
from services.consensus.settings import ConsensusSettings
from services.subtask_manager.doubts import doubt
from services.subtask_manager.subtask import Doubt
from shared.erasures import AGAIN_AFTER_S
from shared.errors import Conflict
from tests.unit.subtask_builders import brief as brief_of
from tests.unit.subtask_builders import opened, voted

T0 = 1_000.0
RUN = Run(id="r", team="first", kind="task", task_id="t", methods=("ds",), asked_by="ann", asked_at=T0)


def test_one_attempt_has_a_run_until_its_claim_lapses():
    first = runs.claimed(RUN, T0, holder="a")
    assert (first.state, first.holder, first.attempts) == ("running", "a", 1)
    assert runs.claimed(first, T0 + CLAIM_S - 0.001, holder="b") is first
    second = runs.claimed(first, T0 + CLAIM_S, holder="b")
    assert (second.holder, second.attempts) == ("b", 2)
    with pytest.raises(Conflict):
        runs.finished(second, T0, holder="a", outcome=Outcome())
    with pytest.raises(Conflict):
        runs.renewed(second, T0, holder="a", stage=None)
    done = runs.finished(second, T0 + 40, holder="b", outcome=Outcome(images=3))
    assert (done.state, done.attempt, done.due_at) == ("finished", "b", None)
    with pytest.raises(Conflict, match="finished"):
        runs.claimed(done, T0 + 999, holder="c")


def test_a_run_that_is_cut_short_again_and_again_fails_by_name():
    run, now = RUN, T0
    for _ in range(MAX_ATTEMPTS):
        run = runs.claimed(run, now, holder="a")
        now += CLAIM_S
    assert run.state == "running"
    run = runs.claimed(run, now, holder="a")
    assert (run.state, run.why) == ("failed", CUT_SHORT)
    with pytest.raises(Conflict, match="failed"):
        runs.claimed(run, now, holder="b")
    again = runs.asked_again(run, now)
    assert (again.state, again.attempts, again.why) == ("waiting", 0, None)


def test_a_process_that_is_told_to_stop_costs_no_attempt():
    held = runs.claimed(RUN, T0, holder="a")
    assert runs.released(held, T0, holder="other") is held
    assert runs.released(held, T0 + 1, holder="a").attempts == 0
    assert runs.claimed(runs.released(held, T0 + 1), T0 + 1, holder="b").attempts == 2


def test_a_run_is_over_before_an_erasure_goes_through_everything_again():
    with pytest.raises(ValidationError, match="consensus_time_s"):
        ConsensusSettings(consensus_time_s=AGAIN_AFTER_S)


def test_images_are_sent_once_for_each_method():
    with pytest.raises(Conflict, match="waiting"):
        runs.sending(RUN, T0, method="ds", by="ann")
    done = replace(RUN, state="finished", attempt="a")
    with pytest.raises(Conflict, match="mace"):
        runs.sending(done, T0, method="mace", by="ann")
    sending = runs.sending(done, T0, method="ds", by="ann")
    assert runs.sending(sending, T0 + 1, method="ds", by="bob") is sending
    (first,) = sending.sendings
    assert sending.due_at == T0
    page = runs.sent(sending, T0 + 2, before=first, count=7, is_last=False)
    with pytest.raises(Conflict):
        runs.sent(page, T0 + 2, before=first, count=7, is_last=False)
    over = runs.sent(page, T0 + 3, before=page.sendings[0], count=0, is_last=True)
    assert over.sendings == (Sending(method="ds", by="ann", at=T0, page=2, sent=7, done_at=T0 + 3),)
    assert over.due_at is None


def test_the_same_request_has_the_same_id():
    one = runs.id_of("first", "task", "t", ("ds", "mace"), "m")
    assert one == runs.id_of("first", "task", "t", ("ds", "mace"), "m")
    others = {
        runs.id_of("other", "task", "t", ("ds", "mace"), "m"),
        runs.id_of("first", "task", "t", ("ds",), "m"),
        runs.id_of("first", "task", "t", ("ds", "mace"), "n"),
        runs.id_of("first", "operators", "t", ("ds", "mace"), "m"),
    }
    assert len({one, *others}) == 5


def test_rows_take_what_is_newer_in_any_order():
    first = Row(image_id="i", task_id="t", revision=1, label="a", completed_at=10.0)
    second = replace(first, revision=2, label="b", completed_at=20.0)
    assert rows.ended(rows.ended(None, first), second) == second
    assert rows.ended(rows.ended(None, second), first) == second
    gone = rows.removed(replace(second, team="theirs"), Row(image_id="i", task_id="t"), 30.0)
    assert (gone.votes, gone.is_there, gone.team) == ((), False, "theirs")
    assert rows.ended(gone, second) is gone
    again = replace(first, completed_at=40.0)
    assert rows.ended(gone, again) == again
    assert rows.removed(again, Row(image_id="i", task_id="t"), 30.0) is again


def test_a_task_that_was_erased_stays_so():
    told = KnownTask(id="t", name="birds", revision=1)
    erased = rows.erased(told, told)
    assert (erased.state, erased.name) == ("erased", None)
    assert rows.told(erased, replace(told, revision=5)) is erased
    assert rows.told(None, told) == told


def test_a_completed_result_is_doubted_once_and_only_as_it_was():
    brief = brief_of()
    subtask = voted(opened(brief), brief, "cat", "cat")
    assert subtask.result is not None
    why = Doubt(label="dog", method="ds", run_id="r", by="ann", at=T0)
    doubted = doubt(subtask, brief, T0, doubt=why, revision=1)
    assert doubted.state.doubt == why
    assert doubted.state.result is subtask.result
    assert doubted.state.awaits_adjudicator
    assert doubted.facts == ()
    for changed, label, revision in [
        (doubted.state, "bird", 1),
        (subtask, "dog", 2),
        (subtask, "cat", 1),
        (subtask, "no such label", 1),
        (replace(subtask, state="disputed"), "dog", 1),
        (replace(subtask, result=replace(subtask.result, decided_by="adjudicator")), "dog", 1),
    ]:
        again = doubt(changed, brief, T0, doubt=replace(why, label=label), revision=revision)
        assert again.state is changed


def voting(book: ConductBook, images: int, **says) -> None:
    """Each of these people votes on all images, one after the other, `says` which label by the image's number."""
    for image in range(images):
        book.add([(name, label(image), T0 + 10 * image) for name, label in says.items()])


def honest(salt: int):
    return lambda image: "x" if (image * 7919 + salt * 104_729) % 13 == 0 else f"l{image % 5}"


def test_operators_are_counted():
    book = ConductBook()
    book.add([("ann", "a", T0), ("bob", "a", T0), ("carl", "b", T0)])
    book.add([("ann", None, T0 + 60), ("bob", "b", T0 + 60)])
    found, together = book.found(T0 + 8 * 86_400)
    ann, bob, carl = found
    assert (ann.operator, ann.votes, ann.unsure, ann.votes_7d) == ("ann", 2, 1, 0)
    assert (ann.alike, ann.compared) == (0, 0)  # without her vote one stands against one
    assert (carl.alike, carl.compared) == (0, 1)
    assert (bob.longest_run, bob.commonest_votes, bob.last_vote_at) == (1, 1, T0 + 60)
    assert {pair.operators: (pair.common, pair.alike) for pair in together}["ann", "bob"] == (1, 1)
    assert [one.flags for one in found] == [(), (), ()]


def test_nobody_who_votes_honestly_has_a_flag_and_those_who_do_not_have():
    book = ConductBook()
    copied = honest(3)
    voting(
        book,
        300,
        ann=honest(1),
        bob=honest(2),
        carl=copied,
        copy=lambda image: copied(image) if image % 50 else "l0",
        lazy=lambda _: "l1",
        wild=lambda image: f"l{(image * 31 + 2) % 5}",
    )
    found, together = book.found(T0)
    flags = {one.operator: one.flags for one in found}
    assert flags["ann"] == flags["bob"] == flags["carl"] == ()
    assert set(flags["lazy"]) == {"one label", "often alone"}
    assert "often alone" in flags["wild"]
    assert [pair.operators for pair in together if pair.flags] == [("carl", "copy")]


def test_a_long_run_and_a_fast_pace_are_seen():
    book = ConductBook()
    for image in range(200):
        book.add(
            [
                ("ann", f"l{image % 4}", T0 + 20 * image),
                ("bob", f"l{image % 4}", T0 + 21 * image),
                ("fast", f"l{image % 4}", T0 + image),
                ("rows", f"l{min(image // 50, 3)}", T0 + 19 * image),
            ]
        )
    flags = {one.operator: one.flags for one in book.found(T0)[0]}
    assert flags["fast"] == ("fast",)
    assert "long run" in flags["rows"]
    assert flags["ann"] == ()


def test_no_votes_at_all_is_nobody():
    assert ConductBook().found(T0) == ([], [])
