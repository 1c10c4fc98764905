"""Random fields: the published numbers, the same in all versions, in pieces and beyond 2^32."""

from __future__ import annotations

import os

os.environ.setdefault("TRITON_INTERPRET", "1")

import numpy as np
import pytest
import torch
from scipy import stats

from deephealth.core.errors import DataError
from deephealth.kernels import philox
from deephealth.kernels.compilers import using

VERSIONS = ("reference", "compiled", "triton")


@pytest.mark.parametrize("version", VERSIONS)
def test_the_published_answers(version: str) -> None:
    """Random123's known answer for counter 0 and key 0; a counter's four words lie 256 numbers apart."""
    with using(version):
        found = philox.words(0, (1024,))[::256]
    assert [hex(word) for word in found.tolist()] == ["0x6627e8d5", "0xe169c58d", "0xbc57ac4c", "0x9b00dbd8"]


def test_the_same_words_as_numpy() -> None:
    """NumPy has Philox4x64 only: its generator with our constants, in Python's own whole numbers."""
    key, counter = 0x123456789ABCDEF, 2**40 + 5
    c, k = [counter & 0xFFFFFFFF, counter >> 32, 0, 0], [key & 0xFFFFFFFF, key >> 32]
    for _ in range(10):
        a, b = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF, (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    start = counter // 256 * 1024 + counter % 256
    assert philox.words(key, (769,), start=start)[::256].tolist() == c


def test_all_versions_agree_on_500_cases() -> None:
    numbers = np.random.default_rng(0)
    makers = (philox.words, philox.uniform_field, philox.normal_field)
    for case in range(500):
        key = int(numbers.integers(0, 2**63))
        start = int(numbers.choice([0, numbers.integers(0, 5000), numbers.integers(0, 2**60)]))
        shape = tuple(int(size) for size in numbers.integers(0, 9, numbers.integers(1, 5)))
        make, near = makers[case % 3], (0, 0, 3e-6)[case % 3]
        with using("reference"):
            expected = make(key, shape, start=start)
        for version in ("compiled", "triton"):
            with using(version):
                found = make(key, shape, start=start)
            assert found.shape == shape
            torch.testing.assert_close(found, expected, rtol=0, atol=near)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_piece_of_a_field_is_that_piece_of_the_whole(version: str) -> None:
    with using(version):
        whole = philox.normal_field(5, (4, 1000))
        assert torch.equal(philox.normal_field(5, (2, 1000), start=2000), whole[2:])


def test_the_field_does_not_depend_on_the_number_of_threads() -> None:
    before = torch.get_num_threads()
    fields = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            fields.append(philox.normal_field(9, (80, 100, 100)))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*fields)


def test_numbers_are_distributed_as_they_should_be() -> None:
    uniform, normal = philox.uniform_field(3, (500_000,)).numpy(), philox.normal_field(4, (500_000,)).numpy()
    assert stats.kstest(uniform, "uniform").pvalue > 0.01
    assert stats.kstest(normal, "norm").pvalue > 0.01
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert 4.5 < np.abs(normal).max() < 6.67
    for lag in (1, 255, 256, 512, 1024):  # neighbours and the words of one counter
        assert abs(np.corrcoef(normal[:-lag], normal[lag:])[0, 1]) < 0.005


def test_bad_input_is_named() -> None:
    for key, shape, start in ((-1, (3,), 0), (2**63, (3,), 0), (1, (-3,), 0), (1, (3,), -1)):
        with pytest.raises(DataError):
            philox.words(key, shape, start=start)
