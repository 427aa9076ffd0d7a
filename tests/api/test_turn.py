"""Threads of one process: one trains at a time, and its numbers are those of one alone."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vqfw.api.turn import one_at_a_time
from vqfw.errors import RunError


@pytest.mark.processes
def test_of_three_training_threads_one_trains_and_two_are_refused(tiny, done):
    together = threading.Barrier(3)

    def trained(number):
        together.wait()
        try:
            return tiny().run(name=f"thread{number}")
        except RunError as error:
            return str(error)

    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(trained, range(3)))
    refused = [each for each in answers if isinstance(each, str)]
    assert len(refused) == 2
    assert all("train one run after another" in each for each in refused)
    (run,) = (each for each in answers if not isinstance(each, str))
    assert run.scores["test"] == done.scores["test"]


def test_a_thread_waits_for_another_that_does_not_train():
    began, may_end = threading.Event(), threading.Event()

    @one_at_a_time()
    def first():
        began.set()
        assert may_end.wait(60)
        return "first"

    @one_at_a_time(trains=True)
    def second():
        return again()

    @one_at_a_time()
    def again():
        return "second"

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert began.wait(60)
        other = pool.submit(second)
        with pytest.raises(TimeoutError):
            other.result(timeout=0.2)
        may_end.set()
        assert (one.result(60), other.result(60)) == ("first", "second")
    assert again() == "second"


def test_a_failed_import_of_the_backend_leaves_the_lock_free(monkeypatch):
    ended = threading.Event()

    @one_at_a_time()
    def answer():
        ended.set()

    def fails():
        with pytest.raises(ImportError):
            answer()

    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "vqfw.assembly.backend", None)
        first = threading.Thread(target=fails)
        first.start()
        first.join(60)
    assert not ended.is_set()
    # Not in a pool, which would wait for a thread that never ends.
    threading.Thread(target=answer, daemon=True).start()
    assert ended.wait(60)


def test_an_outline_waits_for_its_turn(monkeypatch):
    from vqfw.api.planning import outlined
    from vqfw.assembly import outline

    monkeypatch.setattr(outline, "outline_of", lambda plan: plan)
    began, may_end = threading.Event(), threading.Event()

    @one_at_a_time()
    def other_work():
        began.set()
        assert may_end.wait(60)

    with ThreadPoolExecutor(2) as pool:
        pool.submit(other_work)
        assert began.wait(60)
        outlines = pool.submit(outlined, "a plan")
        with pytest.raises(TimeoutError):
            outlines.result(timeout=0.2)
        may_end.set()
        assert outlines.result(60) == ("a plan", None)
