"""Small nets for round trips: group -> input shape and, by name, what is built on the input."""

from __future__ import annotations

import torch
from torch import nn

from deephealth import eddl

VECTOR = {
    "dense": lambda x: eddl.Dense(x, 5),
    "dense_nobias": lambda x: eddl.Dense(x, 5, False),
    "relu": eddl.ReLu, "sigmoid": eddl.Sigmoid, "tanh": eddl.Tanh, "hard_sigmoid": eddl.HardSigmoid,
    "leaky": lambda x: eddl.LeakyReLu(x, 0.2), "elu": lambda x: eddl.Elu(x, 0.7), "selu": eddl.Selu,
    "thresholded": lambda x: eddl.ThresholdedReLu(x, 0.4), "exponential": eddl.Exponential, "softplus": eddl.Softplus,
    "softsign": eddl.Softsign, "linear": lambda x: eddl.Linear(x, 2.5), "softmax": eddl.Softmax,
    "dropout": lambda x: eddl.Dropout(x, 0.3), "dropout_plain": lambda x: eddl.Dropout(x, 0.3, False),
    "reshape": lambda x: eddl.Reshape(x, [2, -1]), "unsqueeze": eddl.Unsqueeze,
    "batchnorm": lambda x: eddl.BatchNormalization(x, True), "layernorm": eddl.LayerNormalization,
    "norm": eddl.Norm, "normmax": eddl.NormMax, "normminmax": eddl.NormMinMax,
    "noise": lambda x: eddl.GaussianNoise(x, 0.5),
    "abs": eddl.Abs, "exp": eddl.Exp, "log": eddl.Log, "log2": eddl.Log2, "log10": eddl.Log10, "sqrt": eddl.Sqrt,
    "pow": lambda x: eddl.Pow(x, 1.5), "clamp": lambda x: eddl.Clamp(x, 0.2, 0.6),
    "sum_cl": lambda x: eddl.Sum(2.0, x), "sub_cl": lambda x: eddl.Sub(2.0, x), "sub_lc": lambda x: eddl.Sub(x, 2.0),
    "div_lc": lambda x: eddl.Div(x, 2.0), "div_cl": lambda x: eddl.Div(2.0, eddl.Sum(x, 1.0)),
    "mult_lc": lambda x: eddl.Mult(x, 3.0),
    "mult": lambda x: eddl.Mult(x, eddl.Tanh(x)), "div": lambda x: eddl.Div(x, eddl.Sum(x, 1.0)),
    "average": lambda x: eddl.Average([x, eddl.Tanh(x)]), "maximum": lambda x: eddl.Maximum([x, eddl.Tanh(x)]),
    "minimum": lambda x: eddl.Minimum([x, eddl.Tanh(x)]), "subtract": lambda x: eddl.Subtract([x, eddl.Tanh(x)]),
    "bypass": eddl.Bypass,
    "constant": lambda x: eddl.Add([x, eddl.ConstOfTensor(eddl.Tensor.from_torch(torch.arange(8.0)))]),
    "embedding": lambda x: eddl.Embedding(eddl.Mult(x, 9.0), 10, 8, 3),
    "where": lambda x: eddl.Where(x, eddl.Tanh(x), eddl.ThresholdedReLu(x, 0.5)),
    "torch": lambda x: eddl.from_torch(nn.Sequential(nn.Linear(8, 4), nn.GELU()), x),
}  # fmt: skip

IMAGE = {
    "conv_same": lambda x: eddl.Conv(x, 4, [3, 3]),
    "conv_same_stride": lambda x: eddl.Conv(x, 4, [3, 3], [2, 2]),
    "conv_valid_nobias": lambda x: eddl.Conv(x, 4, [3, 2], [1, 1], "valid", False),
    "conv_dilated": lambda x: eddl.Conv(x, 4, [3, 3], dilation_rate=[2, 2]),
    "conv_groups": lambda x: eddl.Conv(x, 6, [3, 3], groups=3),
    "depthwise": lambda x: eddl.DepthwiseConv2D(x, [3, 3]), "pointwise": lambda x: eddl.PointwiseConv(x, 5),
    "conv_transpose": lambda x: eddl.ConvT2D(x, 4, [2, 2], [2, 2]),
    "conv_transpose_odd": lambda x: eddl.ConvT2D(x, 4, [3, 3], [2, 2]),
    "batchnorm": lambda x: eddl.BatchNormalization(x, True),
    "batchnorm_noaff": lambda x: eddl.BatchNormalization(x, False),
    "groupnorm": lambda x: eddl.GroupNormalization(x, 3), "layernorm": eddl.LayerNormalization,
    "maxpool": eddl.MaxPool, "maxpool_same": lambda x: eddl.MaxPool(x, [3, 3], [2, 2], "same"),
    "avgpool": eddl.AveragePool, "avgpool_same": lambda x: eddl.AveragePool(x, [3, 3], [2, 2], "same"),
    "global_max": eddl.GlobalMaxPool, "global_avg": eddl.GlobalAveragePool2D,
    "softmax_axis1": lambda x: eddl.Softmax(x, 1), "dense_nd": lambda x: eddl.Dense(x, 3),
    "flatten": eddl.Flatten, "permute": lambda x: eddl.Permute(x, [1, 2, 0]), "transpose": eddl.Transpose,
    "select": lambda x: eddl.Select(x, ["1", "2:5", ":-1"]),
    "split": lambda x: eddl.Concat(eddl.Split(x, [1, 2], 0), 2),
    "repeat": lambda x: eddl.Repeat(x, 2, 0), "tile": lambda x: eddl.Tile(x, [2, 1, 2]),
    "concat": lambda x: eddl.Concat([x, eddl.ReLu(x)]), "add": lambda x: eddl.Add([x, eddl.ReLu(x)]),
    "reduce_mean": lambda x: eddl.ReduceMean(x, [1, 2]), "reduce_var": lambda x: eddl.ReduceVar(x, [0], True),
    "reduce_sum": lambda x: eddl.ReduceSum(x, [0]), "reduce_max": lambda x: eddl.ReduceMax(x, [2], True),
    "reduce_min": lambda x: eddl.ReduceMin(x, [1]), "argmax": lambda x: eddl.ReduceArgMax(x, [0]),
    "upsampling": lambda x: eddl.UpSampling(x, [2, 3]), "resize": lambda x: eddl.Resize(x, [12, 5]),
    "scale": lambda x: eddl.Scale(x, [4, 4]), "pad": lambda x: eddl.Pad(x, [0, 1, 2, 0], 0.5),
    "crop": lambda x: eddl.Crop(x, [1, 1], [4, 5]), "centered_crop": lambda x: eddl.CenteredCrop(x, [4, 4]),
    "cutout": lambda x: eddl.Cutout(x, [1, 1], [2, 3]), "flip": eddl.Flip, "shift": lambda x: eddl.Shift(x, [1, 2]),
    "random_flip": eddl.RandomHorizontalFlip, "random_crop_scale": lambda x: eddl.RandomCropScale(x, [0.8, 1.0]),
    "random_cutout": lambda x: eddl.RandomCutout(x, [0.1, 0.3], [0.1, 0.3]),
    "squeeze": lambda x: eddl.Squeeze(eddl.Select(x, ["0"]), 0), "matmul": lambda x: eddl.MatMul([x, x]),
}  # fmt: skip

SEQUENCE = {
    "conv1d": lambda x: eddl.Conv1D(x, 4, [3]), "maxpool1d": eddl.MaxPool1D, "avgpool1d": eddl.AveragePool1D,
    "global1d": eddl.GlobalAveragePool1D,
}  # fmt: skip

VOLUME = {
    "conv3d": lambda x: eddl.Conv3D(x, 3, [3, 3, 3]), "maxpool3d": eddl.MaxPool3D, "avgpool3d": eddl.AveragePool3D,
    "conv_transpose3d": lambda x: eddl.ConvT3D(x, 3, [2, 2, 2], [2, 2, 2]),
    "upsampling3d": lambda x: eddl.UpSampling3D(x, [8, 8, 8]),
    "global3d": eddl.GlobalMaxPool3D, "batchnorm3d": lambda x: eddl.BatchNormalization(x, True),
}  # fmt: skip

GROUPS = {
    "vector": ([8], VECTOR), "image": ([3, 8, 8], IMAGE), "sequence": ([3, 8], SEQUENCE),
    "volume": ([2, 4, 4, 4], VOLUME),
}  # fmt: skip

RECURRENT = {
    "lstm": ([3], lambda x: eddl.Dense(eddl.LSTM(x, 4), 2)),
    "gru": ([3], lambda x: eddl.Softmax(eddl.Dense(eddl.GRU(x, 4), 2))),
    "rnn_relu": ([3], lambda x: eddl.Dense(eddl.RNN(x, 4, "relu"), 2)),
    "rnn_nobias": ([3], lambda x: eddl.Dense(eddl.RNN(x, 4, "none", False), 2)),
    "stacked": ([3], lambda x: eddl.Dense(eddl.LSTM(eddl.GRU(x, 4), 5), 2)),
    "dense_before": ([3], lambda x: eddl.Dense(eddl.LSTM(eddl.ReLu(eddl.Dense(x, 6)), 4), 2)),
    "embedded": ([1], lambda x: eddl.Dense(eddl.LSTM(eddl.Embedding(x, 11, 1, 5), 4), 2)),
    "bidirectional": ([3], lambda x: eddl.Dense(eddl.LSTM(x, 4, bidirectional=True), 2)),
}  # fmt: skip


def net_of(group):
    """Return a net with one output per entry of a group, and the names."""
    shape, table = GROUPS[group]
    x = eddl.Input(shape)
    outs = [build(x) for build in table.values()]
    return eddl.Model([x], outs), list(table)
