"""Random numbers: seeds, the process-wide generator, and streams that a ``with`` block installs."""

from __future__ import annotations

import threading

from deephealth.ecvl.imgproc import draws


def first(generator) -> float:
    return float(generator.random())


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    draws.set_seed(50)
    wanted = first(draws.current())
    assert first(draws.current()) != wanted
    draws.set_seed(50)
    assert first(draws.generator()) == wanted
    draws.set_seed(51)
    assert first(draws.current()) != wanted


def test_seeds_of_none_and_1_mean_random():
    draws.set_seed(7)
    assert draws.generator(None) is draws.generator(1) is draws.current()
    assert first(draws.generator(9)) == first(draws.generator(9))


def test_a_given_generator_wins():
    mine = draws.substream(3)
    assert draws.generator(9, mine) is mine


def test_streams_differ_by_position_and_take_any_seed():
    positions = [(), (0,), (1,), (0, 0), (0, 1), (1, 0)]
    numbers = {first(draws.substream(-5, *position)) for position in positions}
    assert len(numbers) == len(positions)
    assert first(draws.substream(-5, 1, 0)) in numbers


def test_an_installed_generator_reaches_its_own_thread_alone():
    shared, seen = draws.current(), []
    with draws.using(draws.substream(1, 2)) as mine:
        thread = threading.Thread(target=lambda: seen.append(draws.current()))
        thread.start()
        thread.join()
        with draws.using(draws.substream(1, 3)) as inner:
            assert draws.current() is inner
        assert draws.current() is mine
    assert seen == [shared]
    assert draws.current() is shared
