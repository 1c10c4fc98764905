"""Quirks that are bugs: (name, what the original did, what this package does, names concerned)."""

from __future__ import annotations

__all__ = ["FIXED"]

FIXED: tuple[tuple[str, str, str, str], ...] = (
    (
        "optimizers without a step",
        "AdaDelta, Adagrad, Adamax and Nadam never change a weight.",
        "The published algorithms.",
        "adadelta adagrad adamax nadam AdaDelta Adagrad Adamax Nadam",
    ),
    (
        "RMSProp without memory",
        "The denominator holds only the gradient before: sqrt(rho g_prev^2 + (1 - rho) g^2 + epsilon).",
        "A running mean of squared gradients, as published.",
        "rmsprop RMSProp",
    ),
    (
        "ignored optimizer options",
        "weight_decay and nesterov are accepted and ignored.",
        "They work.",
        "sgd adam rmsprop SGD Adam RMSProp",
    ),
    (
        "narrow normal draws",
        "Normal draws on the CPU have 0.7071 of the standard deviation that was asked for.",
        "The standard deviation that was asked for.",
        "GlorotNormal HeNormal RandomNormal GaussianNoise GaussGenerator Tensor.randn Tensor.fill_rand_normal_",
    ),
    (
        "ignored seeds",
        "The seed of an initializer is ignored; each run draws other weights.",
        "A layer's draws depend on the seed and on the layer; two runs are equal.",
        "GlorotNormal GlorotUniform HeNormal HeUniform RandomNormal RandomUniform",
    ),
    (
        "He uniform biases",
        "A bias gets no draw at all, because one-dimensional parameters were forgotten.",
        "Biases are drawn as by the other initializers.",
        "HeUniform",
    ),
    (
        "BatchNorm starts with variance 0",
        "The running variance starts at 0, so that an untrained net divides by sqrt(epsilon) in a test pass.",
        "It starts at 1.",
        "BatchNormalization",
    ),
    (
        "BatchNorm without affine goes backward through rubbish",
        "With affine=False the backward pass reads memory that nothing has written.",
        "The true gradient.",
        "BatchNormalization",
    ),
    (
        "mean subtracted twice",
        "LayerNormalization and GroupNormalization compute (x - 2 mean) / std, and its gradient.",
        "(x - mean) / std.",
        "LayerNormalization GroupNormalization",
    ),
    (
        "softplus and softsign backward",
        "The derivative is taken at the output of the layer.",
        "It is taken at the input.",
        "Softplus Softsign Activation",
    ),
    (
        "GRU gradients",
        "The gradients of the hidden weights and bias of the candidate are those of another form of the cell.",
        "The true gradient.",
        "GRU",
    ),
    (
        "Conv3D without bias",
        "The bias of a three-dimensional convolution is neither added nor trained.",
        "It is both.",
        "Conv3D",
    ),
    (
        "cross-entropy of maps",
        "On images, the value of the categorical and soft cross-entropy adds up only the first few elements; "
        "the gradient is right.",
        "The value adds up all elements.",
        "getLoss build",
    ),
    (
        "binary accuracy of wide outputs",
        "Only as many elements as there are samples are looked at, whatever the width.",
        "All elements are.",
        "getMetric build",
    ),
    (
        "merges that add",
        "Average, MatMul, Maximum, Minimum and Subtract add their parents up.",
        "They do what they are called.",
        "Average MatMul Maximum Minimum Subtract",
    ),
    (
        "reductions that keep the whole shape",
        "With keepdims=True a reduction returns the input's full shape, the value repeated.",
        "The reduced axes have size 1.",
        "ReduceMean ReduceVar ReduceSum ReduceMax ReduceMin",
    ),
    (
        "transposed convolution ignores its filters",
        "The output has as many channels as the input, whatever was asked for.",
        "It has the channels asked for.",
        "ConvT2D ConvT3D",
    ),
    (
        "depthwise convolution ignores its padding",
        "The padding is always none.",
        "The padding asked for.",
        "DepthwiseConv2D",
    ),
    (
        "input that is an output",
        "getInput returns a copy of the layer's output.",
        "A copy of what the layer reads.",
        "getInput",
    ),
    (
        "unknown names pass",
        "An unknown activation gives zeros and an unknown loss gives nothing, which crashes later.",
        "Both raise at once and list the known names.",
        "Activation getLoss",
    ),
    (
        "batches drawn with replacement",
        "fit draws each batch with replacement, in the same order in every process.",
        "Each epoch is a permutation of the samples; what does not fill a batch is left out, as in the original.",
        "fit",
    ),
    (
        "unsupported ONNX operators",
        "An unknown operator prints a line and leaves a hole in the net, which crashes later; "
        "an unreadable file gives None.",
        "A typed error that names the operator or the file.",
        "import_net_from_onnx_file import_net_from_onnx_string",
    ),
    (
        "ONNX files that only EDDL reads",
        "Some layers are exported under operator names that are not ONNX.",
        "Standard operators, which other programs read; the old names are still imported.",
        "save_net_to_onnx_file serialize_net_to_onnx_string",
    ),
)
