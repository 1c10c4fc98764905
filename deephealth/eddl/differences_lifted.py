"""Quirks that are limits, and what stands in for missing hardware: (name, original, this package, names concerned)."""

from __future__ import annotations

__all__ = ["LIFTED", "REPLACED"]

LIFTED: tuple[tuple[str, str, str, str], ...] = (
    (
        "odd paddings",
        "Padding 'same' that needs one element more on one side is refused.",
        "It goes right and below, and the numbers are those of an explicit Pad layer.",
        "Conv Conv2D Conv3D PointwiseConv PointwiseConv2D MaxPool MaxPool2D MaxPool3D AveragePool AvgPool "
        "AveragePool2D AvgPool2D AveragePool3D AvgPool3D ConvT2D ConvT3D",
    ),
    (
        "groups and dilation",
        "Grouped and dilated convolutions need cuDNN.",
        "They work on every device.",
        "Conv Conv1D Conv2D Conv3D PointwiseConv PointwiseConv2D DepthwiseConv2D",
    ),
    (
        "transposed convolutions",
        "Not on the CPU.",
        "They work on every device.",
        "ConvT2D ConvT3D",
    ),
    (
        "modes at the border",
        "Nearest, reflect, mirror and wrap are refused, or ignored, where the size is kept.",
        "They do what they are called.",
        "Rotate Shift Scale CropScale RandomRotation RandomShift RandomScale RandomCropScale Tensor.scale",
    ),
    (
        "crashes",
        "Crashes or rubbish.",
        "They work.",
        "ReduceVar Broadcast Embedding Tensor.broadcast Tensor.interpolate Tensor.nonzero",
    ),
    (
        "activations without parameters",
        "Activation('selu') and others without params read memory that is not theirs.",
        "The usual constants are taken.",
        "Activation",
    ),
    (
        "uniform generator",
        "Not implemented.",
        "It works.",
        "UniformGenerator",
    ),
    (
        "unknown names pass",
        "An unknown activation gives zeros and an unknown loss gives nothing, which crashes later.",
        "Both raise at once and name the nearest known name.",
        "Activation getLoss build",
    ),
    (
        "unsupported ONNX operators",
        "An unknown operator prints a line and leaves a hole in the net, which crashes later; an unreadable file "
        "gives None.",
        "All of ONNX that has a layer or a torch counterpart; otherwise a typed error that names the operator.",
        "import_net_from_onnx_file import_net_from_onnx_string",
    ),
    (
        "ONNX files that only EDDL reads",
        "Some layers are exported under operator names that are not ONNX.",
        "Standard operators, which other programs read; the old names are still imported.",
        "save_net_to_onnx_file serialize_net_to_onnx_string",
    ),
    (
        "numbers of axes",
        "LayerNormalization wants 2-D or 4-D, GroupNormalization 4-D, Embedding 1-D or 2-D input.",
        "Any number that makes sense.",
        "LayerNormalization GroupNormalization BatchNormalization Embedding",
    ),
    (
        "prediction of decoders",
        "Predicting with a decoder net crashes.",
        "It works.",
        "predict",
    ),
)

REPLACED: tuple[tuple[str, str, str, str], ...] = (
    (
        "FPGA boards",
        "FPGA boards with HLSinf.",
        "A typed error that names CS_CPU and CS_GPU.",
        "CS_FPGA toFPGA download_hlsinf Transform",
    ),
    (
        "COMPSs",
        "A service that can be made but not used.",
        "It can be made; building with it raises, and says how to train on several processes here.",
        "CS_COMPSS",
    ),
    (
        "downloads",
        "wget into the current folder, from a share that may be gone.",
        "The current folder, then a cache, then the publishers' files with their checksums; without a network an error "
        "that names each missing file, its shape and how to make it.",
        "download_mnist download_cifar10 download_drive download_imdb_2000 download_eutrans download_flickr "
        "download_model",
    ),
    (
        "pretrained networks",
        "ONNX files from a share that may be gone.",
        "The .onnx file where it is in the current folder; otherwise torchvision's architecture with its ImageNet "
        "weights, as an EDDL net.",
        "download_vgg16 download_vgg16_bn download_vgg19 download_vgg19_bn download_resnet18 download_resnet34 "
        "download_resnet50 download_resnet101 download_resnet152 download_densenet121",
    ),
)
