from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deephealth.core.errors import UnreadableFileError
from deephealth.eddl import Tensor
from deephealth.io.eddl_bin import read_whole_shape, write_bin_parts


@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=5), pieces=st.integers(1, 3))
def test_a_record_written_in_pieces_is_what_the_tensor_reads(tmp_path_factory, shape, pieces):
    path = tmp_path_factory.mktemp("bin") / "a.bin"
    values = np.arange(np.prod(shape), dtype=np.float32)
    with path.open("wb") as stream:
        write_bin_parts(stream, shape, np.array_split(values, pieces))
    assert read_whole_shape(path) == tuple(shape)
    np.testing.assert_array_equal(Tensor.load(str(path)).getdata(), values.reshape(shape))


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b + b"\0", lambda b: b"", lambda b: b"\xff" * 40])
def test_a_file_of_another_length_is_refused(tmp_path, damage):
    path = tmp_path / "a.bin"
    with path.open("wb") as stream:
        write_bin_parts(stream, [2, 3], [np.zeros(6)])
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UnreadableFileError, match=r"no whole \.bin tensor"):
        read_whole_shape(path)
