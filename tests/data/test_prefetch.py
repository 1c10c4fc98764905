from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import DeepHealthError
from deephealth.data.batch_memory import BatchMemory
from deephealth.data.prefetch import Prefetch


@given(st.integers(0, 30), st.integers(1, 5), st.integers(1, 7), st.integers(1, 9))
def test_order_holds_for_any_number_of_workers(count: int, workers: int, capacity: int, taken: int) -> None:
    def slowly(task: int) -> int:
        time.sleep((task * 7 % 3) * 1e-4)
        return task

    found: list[int] = []
    with Prefetch(slowly, range(count), workers=workers, capacity=capacity) as results:
        while True:
            try:
                part = results.take_many(taken)
            except StopIteration:
                break
            assert len(part) == taken or len(found) + len(part) == count
            found += part
    assert found == list(range(count))


def test_an_error_comes_where_the_result_would_have_come() -> None:
    def produce(task: int) -> float:
        return 1 / (task - 2)

    with Prefetch(produce, range(5), workers=2, capacity=5) as results:
        assert results.take() == -0.5
        assert results.take() == -1
        with pytest.raises(ZeroDivisionError):
            results.take()
        assert list(results) == [1, 0.5]


def test_a_failed_group_is_passed_over() -> None:
    with Prefetch(lambda task: 1 // (task - 1), range(4), workers=1, capacity=1) as results:
        with pytest.raises(ZeroDivisionError):
            results.take_many(2)
        assert results.take_many(2) == [1, 0]


def test_an_error_of_the_tasks_arrives_too() -> None:
    def tasks() -> Iterator[int]:
        yield 1
        raise OSError("gone")

    with Prefetch(lambda task: task, tasks(), workers=3, capacity=2) as results:
        assert results.take() == 1
        with pytest.raises(OSError, match="gone"):
            results.take()
        with pytest.raises(StopIteration):
            results.take()


def test_workers_do_not_run_ahead_further_than_allowed() -> None:
    begun: list[int] = []
    with Prefetch(begun.append, range(100), workers=3, capacity=4) as results:
        time.sleep(0.1)
        assert len(begun) == 4
        results.take()
        time.sleep(0.1)
        assert len(begun) == 5


def test_capacity_counts_what_results_weigh() -> None:
    begun: list[int] = []

    def produce(task: int) -> list[int]:
        begun.append(task)
        return [task] * 10

    with Prefetch(produce, range(50), workers=1, capacity=15, weigh=len) as results:
        time.sleep(0.1)
        assert len(begun) == 2  # the first one's ten leave room for one more, whose weight nobody knew
        assert results.ready == 20
        assert list(results)[-1] == [49] * 10


def test_more_wanted_than_the_capacity_does_not_block() -> None:
    with Prefetch(lambda task: task, range(9), workers=2, capacity=1) as results:
        assert results.take_many(6) == [0, 1, 2, 3, 4, 5]


def test_close_ends_a_waiting_consumer_and_waiting_workers() -> None:
    release = threading.Event()
    results = Prefetch(lambda _: release.wait(5), range(9), workers=2, capacity=2)
    ended: list[type] = []

    def consume() -> None:
        try:
            results.take()
        except StopIteration:
            ended.append(StopIteration)

    consumer = threading.Thread(target=consume)
    consumer.start()
    assert not results.close(timeout_s=0.05)  # the workers are in the middle of something
    consumer.join(2)
    assert ended == [StopIteration]
    release.set()
    assert results.close()
    assert results.closed


def test_a_worker_may_close() -> None:
    holder: list[Prefetch[int, bool]] = []
    ready = threading.Event()

    def produce(_: int) -> bool:
        ready.wait(2)
        return holder[0].close(1)

    holder.append(Prefetch(produce, range(3), workers=1, capacity=1))
    ready.set()
    time.sleep(0.05)
    assert holder[0].closed
    assert holder[0].close()


def test_idle_workers_keep_no_result_alive() -> None:
    import weakref

    class Result:
        pass

    with Prefetch(lambda _: Result(), range(2), workers=1, capacity=1) as results:
        seen = weakref.ref(results.take())
        results.take()
        gc.collect()
        assert seen() is None


@pytest.mark.parametrize(("workers", "capacity"), [(0, 1), (1, 0)])
def test_nonsense_is_refused(workers: int, capacity: int) -> None:
    with pytest.raises(DeepHealthError, match="1 or more"):
        Prefetch(lambda task: task, range(2), workers=workers, capacity=capacity)


def test_memory_is_used_again_only_when_nobody_holds_it() -> None:
    memory = BatchMemory()
    first = memory.take([4, 8])
    view = first[1:]
    where = first.data_ptr()
    del first
    gc.collect()
    second = memory.take([4, 8])
    assert second.data_ptr() != where  # a view still holds the first
    view.fill_(3)
    array = view.numpy()
    del view
    gc.collect()
    third = memory.take([4, 8])
    assert third.data_ptr() != where  # an array does
    assert (array == 3).all()
    del array
    gc.collect()
    smaller = memory.take([2, 8])  # the last batch of an epoch
    assert smaller.data_ptr() == where
    assert smaller.shape == (2, 8)


def test_memory_keeps_few_blocks() -> None:
    memory = BatchMemory(keep=1)
    held = [memory.take([8]) for _ in range(3)]
    places = {tensor.data_ptr() for tensor in held}
    held.clear()
    gc.collect()
    again = [memory.take([8]), memory.take([8])]
    assert len(places & {tensor.data_ptr() for tensor in again}) >= 1
    assert len(memory._free) == 0  # one was kept, and it is lent
