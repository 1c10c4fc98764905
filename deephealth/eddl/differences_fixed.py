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
        "The denominator holds only the last two gradients: sqrt(rho g_before^2 + (1 - rho) g^2 + epsilon).",
        "A running mean of squared gradients, as published.",
        "rmsprop RMSProp",
    ),
    (
        "ignored optimizer options",
        "weight_decay, nesterov and amsgrad are accepted and ignored.",
        "They work.",
        "sgd adam rmsprop SGD Adam RMSProp",
    ),
    (
        "unregularized recurrent layers",
        "L1 and L2 on an LSTM or GRU do nothing.",
        "They decay its weight matrices.",
        "L1 L2 L1L2",
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
        "A layer's draws depend on the seed and the layer, so two runs begin alike; a seed below 0 draws freely.",
        "GlorotNormal GlorotUniform HeNormal HeUniform RandomNormal RandomUniform",
    ),
    (
        "drawn biases",
        "The Glorot initializers draw the bias of a Dense layer as if it were a matrix.",
        "Biases begin at 0.",
        "GlorotNormal GlorotUniform HeNormal HeUniform Dense",
    ),
    (
        "kernels without a formula",
        "Kernels of Conv3D are drawn from -0.1 to 0.1, whatever the initializer.",
        "By the formula, with the kernel's volume in the fans.",
        "GlorotNormal GlorotUniform HeNormal HeUniform Conv3D",
    ),
    (
        "BatchNorm starts with variance 0",
        "The running variance starts at 0, so that an untrained net divides by sqrt(epsilon) in a test pass.",
        "It starts at 1.",
        "BatchNormalization",
    ),
    (
        "mean gradients of normalisations",
        "The gradients of gamma and beta are means over batch and space, not sums.",
        "The true gradients.",
        "BatchNormalization LayerNormalization GroupNormalization",
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
        "extremes of the first sample",
        "The gradient of NormMax and NormMinMax takes the extremes' places from the first sample for all.",
        "The true gradient.",
        "NormMax NormMinMax",
    ),
    (
        "softplus and softsign backward",
        "The derivative is taken at the output of the layer.",
        "At the input.",
        "Softplus Softsign Activation",
    ),
    (
        "GRU gradients",
        "The gradients of the hidden weights and bias of the candidate are those of another form of the cell.",
        "The true gradient.",
        "GRU",
    ),
    (
        "masked LSTM gradients",
        "With mask_zeros the gradient of the masked steps is wrong.",
        "The true gradient.",
        "LSTM",
    ),
    (
        "regularized once per time step",
        "In an unrolled net, L1 and L2 shrink a weight once for every copy of its layer in a step.",
        "Once in a step.",
        "L1 L2 L1L2",
    ),
    (
        "axis -1 of Unsqueeze",
        "Unsqueeze with axis -1 puts the new axis first.",
        "It puts it last.",
        "Unsqueeze",
    ),
    (
        "bidirectional is ignored",
        "bidirectional=True is stored and ignored.",
        "The layer runs both ways and has twice the units.",
        "RNN LSTM GRU",
    ),
    (
        "several sequences get mixed",
        "Several sequences of one shape are cut tensor by tensor and handed out step by step, so that they swap steps.",
        "Each input and target gets its own.",
        "train_batch eval_batch fit evaluate predict",
    ),
    (
        "metrics of the first step",
        "For sequences the metric looks at the first step only, and losses of several outputs are added up under "
        "each other.",
        "All steps, each output under its own.",
        "get_metrics get_losses evaluate train_batch eval_batch",
    ),
    (
        "states of the first decoder layer",
        "Only the first recurrent layer of a decoder starts from the states it was given.",
        "Each starts from its own.",
        "GetStates LSTM GRU RNN",
    ),
    (
        "Conv3D without bias",
        "The bias of a three-dimensional convolution is neither added nor trained.",
        "It is both.",
        "Conv3D",
    ),
    (
        "cross-entropy of maps",
        "On images, the value of the categorical and soft cross-entropy adds up only the first few elements; the "
        "gradient is right.",
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
        "With keepdims=True a reduction returns the input's full shape, the value repeated; no axes leave the "
        "input as it is.",
        "The reduced axes have size 1; no axes mean all.",
        "ReduceMean ReduceVar ReduceSum ReduceMax ReduceMin ReduceArgMax",
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
        "random shifts ignore their filling",
        "RandomShift always fills with 0.",
        "It fills as asked.",
        "RandomShift",
    ),
    (
        "unknown modes pass",
        "An unknown coordinate transformation means half_pixel, an unknown da_mode constant.",
        "Both are refused.",
        "Scale Resize UpSampling3D RandomScale Rotate Shift CropScale",
    ),
    (
        "input that is an output",
        "getInput returns a copy of the layer's output.",
        "A copy of what the layer reads.",
        "getInput",
    ),
    (
        "batches drawn with replacement",
        "fit draws each batch with replacement, in the same order in every process.",
        "Each epoch is a permutation of the samples; what does not fill a batch is left out, as in the original.",
        "fit",
    ),
    (
        "comparison with a number",
        "less_equal(number) tests for equality.",
        "It tests for at most.",
        "Tensor.less_equal Tensor.less_equal_",
    ),
    (
        "transpose that copies",
        "Tensor.transpose copies the elements in their old order.",
        "It transposes.",
        "Tensor.transpose",
    ),
    (
        "logic of ones",
        "all() and any() count only elements that are exactly 1; equal infinities are not close; equal_nan is refused.",
        "Any number but 0 counts; they are; it works.",
        "Tensor.all Tensor.any Tensor.isclose Tensor.allclose",
    ),
    (
        "constant tensors normalised",
        "normalize of equal values gives NaN.",
        "The smallest value asked for.",
        "Tensor.normalize Tensor.normalize_",
    ),
    (
        "interpolation that adds",
        "Tensor.interpolate adds to what the result holds.",
        "It overwrites the result.",
        "Tensor.interpolate",
    ),
    (
        "lost last value",
        "linspace may lose its last value to rounding.",
        "It ends where asked.",
        "Tensor.linspace",
    ),
    (
        "pictures wrap around",
        "Saving a picture takes values modulo 256.",
        "They are limited to 0 to 255.",
        "Tensor.save",
    ),
)
