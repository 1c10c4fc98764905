"""Quirks that programs, checkpoints or reported numbers depend on: (name, what both do, names concerned)."""

from __future__ import annotations

__all__ = ["KEPT"]

KEPT: tuple[tuple[str, str, str], ...] = (
    (
        "scale of the mse gradient",
        "The gradient of mse is (y - t) / batch, without the 2 and without the division by the number of elements.",
        "getLoss build",
    ),
    (
        "scale of the dice gradient",
        "The gradient of dice is half the true one, and is not divided by the batch.",
        "getLoss build",
    ),
    (
        "soft cross-entropy skips an activation",
        "The gradient of soft_cross_entropy is (y - t) / batch at the input of the last activation, whatever that is.",
        "getLoss build",
    ),
    (
        "reported losses and metrics",
        "Sums over samples since reset_loss, divided by their number; fit and evaluate return nothing.",
        "fit evaluate train_batch eval_batch get_losses get_metrics print_loss reset_loss",
    ),
    (
        "a range that ends at 0",
        "The index ':0' means everything.",
        "Tensor.select Tensor.set_select Select Slice",
    ),
    (
        "rest of the samples",
        "Samples that do not fill a batch are left out.",
        "fit evaluate",
    ),
    (
        "momentum holds the learning rate",
        "SGD: m = lr g + mu m; p -= m.",
        "sgd SGD setlr",
    ),
    (
        "epsilon inside the root",
        "Adam: p -= lr m / sqrt(v + epsilon).",
        "adam Adam",
    ),
    (
        "weights decay directly",
        "L1 and L2 change the weights during the backward pass, whatever the learning rate: W -= l2 W.",
        "L1 L2 L1L2",
    ),
    (
        "dropout without scaling up",
        "Training multiplies by zeros and ones; the test pass multiplies by 1 - rate.",
        "Dropout",
    ),
    (
        "momentum of BatchNorm",
        "running = momentum running + (1 - momentum) batch, with the biased variance.",
        "BatchNormalization",
    ),
    (
        "parameters in their order",
        "Dense W is [in, out]; LSTM gates are i, f, o, c with one bias; GRU gates are z, r, n; unused biases too.",
        "get_parameters set_parameters getParams load save Dense LSTM GRU RNN Conv",
    ),
    (
        "gamma shared by groups",
        "GroupNormalization has channels / groups gammas and betas.",
        "GroupNormalization",
    ),
    (
        "augmentations pass gradients through",
        "The gradient at the input is the gradient at the output, neither flipped nor rotated.",
        "Crop CenteredCrop CropScale Cutout Flip HorizontalFlip VerticalFlip Rotate Shift RandomCrop RandomCropScale "
        "RandomCutout RandomFlip RandomHorizontalFlip RandomVerticalFlip RandomRotation RandomScale RandomShift",
    ),
    (
        "names of flips",
        "HorizontalFlip reverses the rows, VerticalFlip the columns.",
        "HorizontalFlip VerticalFlip RandomHorizontalFlip RandomVerticalFlip",
    ),
    (
        "inclusive corners",
        "The second corner of a crop or cutout belongs to it.",
        "Crop CropScale Cutout",
    ),
    (
        "pads counted in means",
        "Average pools divide by the whole window.",
        "AveragePool AvgPool AveragePool1D AvgPool1D AveragePool2D AvgPool2D AveragePool3D AvgPool3D",
    ),
    (
        "hard sigmoid",
        "clip(0.2 x + 0.5, 0, 1).",
        "HardSigmoid Activation",
    ),
    (
        "default names",
        "One counter per kind and process; activations share one, pools count by two, global pools don't count.",
        "Input Dense Conv ReLu MaxPool GlobalMaxPool setName getLayer",
    ),
    (
        "axes",
        "Axes leave the batch out, except those of Softmax.",
        "Softmax Concat Squeeze Unsqueeze Permute Split ReduceMean ReduceSum ReduceMax ReduceMin",
    ),
    (
        "clamp reaches statistics",
        "clamp(net, min, max) clamps running means and variances too.",
        "clamp",
    ),
    (
        "rounding",
        "Halves round away from zero.",
        "Tensor.round Tensor.round_",
    ),
    (
        "ranges",
        "Tensor.range includes its end, Tensor.arange does not.",
        "Tensor.range Tensor.arange",
    ),
    (
        "relative error with a small constant",
        "mean_relative_error is |t - y| / (|t| + 0.001), huge where t is 0.",
        "getMetric",
    ),
)
