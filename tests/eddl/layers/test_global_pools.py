"""Global pools in every dimension, and what the ops say about themselves."""

import pytest
import torch

from deephealth.eddl.errors import EddlShapeError
from deephealth.eddl.layers import global_pooling as g
from deephealth.eddl.layers.activations import Elu
from deephealth.eddl.layers.convolutions import Conv
from deephealth.eddl.layers.core import Dense, Dropout, Input
from deephealth.eddl.layers.embedding import Embedding
from deephealth.eddl.layers.merge import Add, Average, Concat
from deephealth.eddl.layers.operators import Abs, Div, Mult
from deephealth.eddl.layers.pooling import MaxPool
from deephealth.eddl.layers.reductions import ReduceMax
from deephealth.eddl.layers.shapes import Flatten
from deephealth.eddl.layers.upsampling import UpSampling


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_global_pools_reduce_all_but_the_channels(axes):
    x = torch.randn(2, 3, *[4, 5, 6][:axes])
    layer, places = Input(list(x.shape[1:])), list(range(2, 2 + axes))
    largest, mean = getattr(g, f"GlobalMaxPool{axes}D")(layer), getattr(g, f"GlobalAvgPool{axes}D")(layer)
    torch.testing.assert_close(largest.op(x), x.amax(places, keepdim=True))
    torch.testing.assert_close(mean.op(x), x.mean(places, keepdim=True))
    assert largest.shape == mean.shape == [3] + [1] * axes


@pytest.mark.parametrize("make", [g.GlobalMaxPool1D, g.GlobalMaxPool2D, g.GlobalAveragePool3D, g.GlobalAvgPool])
def test_global_pools_of_the_wrong_dimension(make):
    with pytest.raises(EddlShapeError, match="channels first"):
        make(Input([8]))


def test_ops_say_what_they_do():
    i, v = Input([3, 8, 8]), Input([4])
    texts = {
        Elu(v): "elu",
        Conv(i, 4, [3, 3]): "filters=4",
        MaxPool(i): "kernel=(2, 2)",
        Dense(v, 2): "4 -> 2",
        Dropout(v, 0.25): "rate=0.25",
        Embedding(v, 9, 4, 2): "[9, 2]",
        Average([v, v]): "average",
        Abs(v): "abs",
        Mult(v, v): "mult",
        Div(1.0, v): "div, 1.0, left=False",
        ReduceMax(v, [0]): "max, axes=[1]",
        Flatten(i): "[192]",
        UpSampling(i, [2, 2]): "[2.0, 2.0]",
    }
    assert {layer: text for layer, text in texts.items() if text not in repr(layer.op)} == {}


def test_axes_before_the_first_do_not_exist():
    with pytest.raises(EddlShapeError, match="0 or more"):
        Concat([Input([3]), Input([3])], -2)
    assert Add(Input([3]), Input([3])).shape == [3]
