"""Default names count as the original's do."""

import pytest

from deephealth.eddl.graph.names import reset_names
from deephealth.eddl.layers import operators as o
from deephealth.eddl.layers.activations import LeakyReLu, ReLu, Softmax
from deephealth.eddl.layers.convolutions import Conv, Conv1D, PointwiseConv
from deephealth.eddl.layers.core import Dense, Input
from deephealth.eddl.layers.global_pooling import GlobalAveragePool, GlobalMaxPool, GlobalMaxPool1D, GlobalMaxPool3D
from deephealth.eddl.layers.merge import Add
from deephealth.eddl.layers.pooling import AveragePool, AveragePool1D, MaxPool, MaxPool1D, MaxPool3D
from deephealth.eddl.layers.selection import Split
from deephealth.eddl.layers.shapes import Flatten, Permute, Reshape, Transpose
from deephealth.eddl.layers.transposed import ConvT2D
from deephealth.eddl.layers.upsampling import UpSampling


@pytest.fixture(autouse=True)
def fresh():
    reset_names()
    yield
    reset_names()


def names(*layers):
    return [layer.name for layer in layers]


def test_activations_share_one_counter():
    i = Input([4])
    assert names(i, LeakyReLu(i), ReLu(i), Softmax(i)) == ["input1", "leaky_relu1", "relu2", "softmax3"]


def test_pools_of_one_dimension_share_a_counter_that_goes_up_by_two():
    i, s, v = Input([3, 8, 8]), Input([3, 8]), Input([3, 4, 4, 4])
    assert names(MaxPool(i), MaxPool(i, name="own"), AveragePool(i)) == ["maxpool2d2", "own", "avgpool4"]
    assert names(MaxPool1D(s), AveragePool1D(s), MaxPool3D(v)) == ["maxpool1d2", "avgpool1d4", "maxpool3d2"]


def test_global_pools_have_fixed_names_and_count_nothing():
    i = Input([3, 8, 8])
    made = [GlobalMaxPool(i), GlobalMaxPool(i), GlobalAveragePool(i), GlobalAveragePool(i, "own"), MaxPool(i)]
    assert names(*made) == ["GlobalMaxPool2D", "GlobalMaxPool2D", "GlobalAveragePool2D", "own", "maxpool2d2"]
    assert GlobalMaxPool1D(Input([3, 8])).name == "GlobalMaxPool1D"
    assert GlobalMaxPool3D(Input([3, 2, 2, 2])).shape == [3, 1, 1, 1]
    assert GlobalMaxPool(Input([5, 6])).parent[0].name == "unsqueeze1"


def test_names_of_functions_that_share_a_class():
    i, s = Input([3, 8, 8]), Input([3, 8])
    assert names(Conv(i, 2, [1, 1]), PointwiseConv(i, 2), Conv1D(s, 2, [1])) == ["conv2d1", "conv2d2", "conv1d1"]
    assert names(Reshape(i, [-1]), Flatten(i)) == ["reshape1", "reshape2"]
    assert names(Permute(s, [1, 0]), Transpose(s)) == ["permute_1", "permute_2"]
    assert names(UpSampling(i, [2, 2]), ConvT2D(i, 2, [2, 2])) == ["resize1", "convT2d1"]


def test_operators_have_their_underscores():
    i = Input([4])
    assert names(o.Diff(i, i), o.Sub(i, 1.0), o.Diff(1.0, i)) == ["diff_1", "diff2", "diff3"]
    assert names(o.Sum(i, i), Add(i, 1.0), Add([i, i])) == ["sum1", "sum2", "merge_add1"]
    made = [o.Mult(i, i), o.Div(i, 2.0), o.Abs(i), o.Exp(i), o.Log2(i), o.Pow(i, 2), o.Clamp(i, 0, 1)]
    assert names(*made) == ["mult_1", "div_1", "abs_1", "exp_1", "log2_1", "pow_1", "clamp_1"]


def test_pieces_of_a_split():
    i = Input([4])
    assert names(*Split(i, [1, 2])) == ["split_1_1", "split_1_2", "split_1_3"]
    assert names(*Split(i, [1], 0, True)) == ["split_2", "split_2"]
    assert names(*Split(i, [1], name="half")) == ["half_1", "half_2"]


def test_signs_that_a_name_cannot_have():
    assert Dense(Input([4]), 2, name="block/1-a:0").name == "block_1_a_0"
