"""Every known quirk of the original ECVL, and what becomes of it here: data for the documentation and the tests."""

from __future__ import annotations

from deephealth.core.legacy import Difference, Status, status_among

__all__ = ["DIFFERENCES", "differences_of", "status_of"]

_GEOMETRY = "ResizeDim ResizeScale Rotate2D RotateFullImage2D Pad RandomCrop CenterCrop Transpose"
_DISTORTION = "GridDistortion ElasticTransform OpticalDistortion"
_BINARY = "Add Sub Mul Div"

# (name, what the original did, what this package does, names concerned)
_FIXED: tuple[tuple[str, str, str, str], ...] = (
    (
        "operands cast before the operation",
        "The left operand is first cast to the result's type, wrapping: int16 1280 / 10 as int8 is 0.",
        "Exact arithmetic, brought to the result's type once, at the end: 127, or -128 without saturation.",
        _BINARY,
    ),
    (
        "products of bytes",
        "Products of 8-bit numbers are computed in 16 bits: those above 32,767 become 0. 16-bit ones overflow too.",
        "Exact arithmetic: 255, or 65,535.",
        "Mul",
    ),
    (
        "an operand as destination",
        "Sums and products whose second operand is the destination read what they have just written.",
        "Every operand may be the destination.",
        "Add Mul",
    ),
    (
        "lost spacings and metadata",
        "Operations that go through OpenCV drop the spacings, conversions the metadata; nothing scales spacings.",
        "Spacings (scaled with the pixels), metadata, axes and colour type pass through every operation.",
        f"{_GEOMETRY} {_DISTORTION} ConvertTo Morphology Inpaint",
    ),
    (
        "colour type guessed from the number of slices",
        "An image without colour and with one or three slices comes back as GRAY or BGR; a grey one with three planes "
        "as their luma, a BGR one with one plane as three.",
        "Colour type and number of planes stay.",
        f"{_GEOMETRY} {_DISTORTION} Morphology Inpaint DrawEllipse",
    ),
    (
        "axes assumed to be xyc",
        "Scales and centres are taken from the first two axes, whatever they are; filters return xyc.",
        "x and y are found by name, and the order of the axes stays.",
        "ResizeScale Rotate2D RotateFullImage2D SeparableFilter2D GaussianBlur GaussianBlur2 CoarseDropout",
    ),
    (
        "band at the end of a grid distortion",
        "Where the size is no multiple of the steps, the last columns and rows repeat column and row 0.",
        "The last cell reaches to the border.",
        "GridDistortion AugGridDistortion",
    ),
    (
        "more cells than pixels",
        "A grid distortion of more steps than the image has columns or rows repeats column or row 0 everywhere.",
        "One cell per pixel; num_steps above that has no effect, and takes no memory.",
        "GridDistortion AugGridDistortion",
    ),
    (
        "grey edges in distorted masks",
        "Ground truth is interpolated as the image is.",
        "Nearest neighbour, or gt_interp.",
        "AugGridDistortion AugElasticTransform AugOpticalDistortion",
    ),
    (
        "options that were not passed on",
        "gt_interp of rotation and resizing, border_type and border_value of random crops have no effect.",
        "They work.",
        "AugRotate AugResizeDim AugResizeScale AugRandomCrop",
    ),
    (
        "one of, always",
        "A container made from text applies a member whatever p says.",
        "With probability p.",
        "OneOfAugmentationContainer AugmentationFactory",
    ),
    (
        "unknown parameters in text",
        "Taken no notice of.",
        "An error that names the nearest parameter.",
        "AugmentationFactory",
    ),
    (
        "noise without seed",
        "Noise and dropout are seeded from the clock at each call.",
        "They draw from the shared generator, or from the sample's own stream.",
        "AdditiveLaplaceNoise AdditivePoissonNoise CoarseDropout",
    ),
    (
        "three channels at most",
        "Per-channel means are read for three channels, statistics for four.",
        "Any number of channels.",
        "Normalize AugNormalize MeanStdDev",
    ),
    (
        "constant images",
        "The range of a constant image is divided by: the result is not a number.",
        "The new minimum.",
        "ScaleTo AugScaleTo",
    ),
    (
        "old ranges of no extent",
        "A range from a number to itself makes every floating-point value NaN.",
        "An error; whole numbers become 0 (32 and 64 bits: the least number), which is kept.",
        "ScaleFromTo AugScaleFromTo",
    ),
    (
        "border of morphology",
        "On pictures of three channels the value outside, other than 0, lies in the first BGR channel alone.",
        "In all channels.",
        "Morphology",
    ),
    (
        "moments in single precision",
        "Sums are kept in the type of the result: large float32 moments lose digits.",
        "Exact sums, brought to the type at the end.",
        "Moments CentralMoments",
    ),
    (
        "columns that overlap",
        "Images whose x follows y in memory are joined with the first one's step from column to column.",
        "One below the other.",
        "VConcat",
    ),
    (
        "noise on the first volume",
        "Of more than three axes, salt and pepper change all of c, z or o at index 0 of the others.",
        "Every pixel.",
        "Salt Pepper SaltAndPepper AugSalt AugPepper AugSaltAndPepper",
    ),
    (
        "floats in TIFF files",
        "Colours are stored in LogLuv codes: with 0.4 % error and without negative luminances.",
        "As they are.",
        "ImWrite",
    ),
    (
        "colours of other types in NIfTI files",
        "Numbers outside 0 to 255 wrap round.",
        "They are clamped.",
        "NiftiWrite",
    ),
    (
        "one number as colour",
        "An ellipse with one number on three channels is drawn in the first channel alone.",
        "In all of them.",
        "DrawEllipse",
    ),
    (
        "dumps that can't be read back",
        "Several labels or locations become several entries, features are left out, paths are absolute.",
        "What is written reads back as the same data set.",
        "Dataset",
    ),
    (
        "samples with classes and masks",
        "A data set that lists classes is a classification, also where its labels are images.",
        "Labels that are paths make a segmentation.",
        "Dataset DLDataset",
    ),
    (
        "slopes and spacings of medical files",
        "NIfTI slopes are not applied, DICOM spacings not read, written DICOM and NIfTI files hold neither.",
        "Applied, read and written.",
        "NiftiRead NiftiWrite DicomRead DicomWrite",
    ),
    (
        "fractions of DICOM values",
        "Slopes and intercepts that are not whole give values whose fraction is cut off.",
        "float32.",
        "DicomRead ImRead",
    ),
    (
        "signed colours of 32 bits in DICOM files",
        "All bits but the sign come back turned over.",
        "As they were.",
        "DicomWrite",
    ),
)

_LIFTED: tuple[tuple[str, str, str, str], ...] = (
    (
        "division by zero",
        "Whole numbers divided by zero kill the process.",
        "An error that says so.",
        "Div",
    ),
    (
        "operands of other sizes",
        "Not checked: memory beyond the end is read.",
        "An error.",
        _BINARY,
    ),
    (
        "images of several types",
        "Not checked when images are joined: memory beyond the end is read.",
        "An error; Stack takes the smallest type that holds all values.",
        "HConcat VConcat Stack",
    ),
    (
        "probabilities outside 0 to 1",
        "Not checked: what is drawn is undefined.",
        "An error.",
        "Salt Pepper SaltAndPepper CoarseDropout AugSalt AugPepper AugSaltAndPepper AugCoarseDropout",
    ),
    (
        "numbers as operands",
        "Only C++ programs can add a number to an image.",
        "Numbers and images in any place.",
        _BINARY,
    ),
    (
        "colour spaces",
        "HSV and YCbCr are not implemented; grey and colour only for two orders of the axes; none is refused.",
        "All of them, for any order.",
        "ChangeColorSpace",
    ),
    (
        "filters on other types",
        "Filter2D takes 8 bits, IntegralImage gives float64; a separable filter to another type reads garbage.",
        "All types.",
        "Filter2D SeparableFilter2D IntegralImage",
    ),
    (
        "DICOM files with sequences",
        "Any sequence is an error, so nearly every clinical file is. No JPEG 2000, JPEG-LS, RLE.",
        "Read; sequences are nested metadata. Every transfer syntax with a decoder installed.",
        "DicomRead ImRead",
    ),
    (
        "NIfTI files",
        "No NIfTI-2, other byte order, 64-bit or complex numbers; never compressed on writing; no BGR.",
        "All of them.",
        "NiftiRead NiftiWrite ImRead",
    ),
    (
        "rows of an affine",
        "Get() of srow_x, srow_y, srow_z, dim_info and xyzt_units fails, and GetStr() is empty.",
        "Numbers: four for each row.",
        "NiftiRead MetaData",
    ),
    (
        "deadlocks of the loader",
        "A queue for one element blocks for ever, and so may Stop with a full queue, SetBatchSize, and a second epoch.",
        "A bounded queue; Stop always returns.",
        "DLDataset ProducersConsumerQueue",
    ),
    (
        "errors in workers",
        "An unreadable file in a worker ends the process.",
        "The error reaches GetBatch, with the file's name.",
        "DLDataset",
    ),
    (
        "results that depend on the number of workers",
        "Workers draw from one generator without a lock.",
        "Each sample has a stream of its own: a seed gives the same batches for any number of workers.",
        "DLDataset AugmentationParam",
    ),
    (
        "subclasses in Python",
        "Generators and DLDataset can't be extended from Python.",
        "They can: override ProduceImageLabel.",
        "DLDataset GenerateClassificationDataset GenerateSegmentationDataset",
    ),
    (
        "augmentations left out",
        "None for augs is an error; an empty list ends the process.",
        "Both mean no augmentation.",
        "DLDataset DatasetAugmentations",
    ),
    (
        "empty ends of text",
        "A blank at the end of a line makes the next line a parameter; an unknown name crashes when it is used; the "
        "border of a random crop is required, and spelled in a way of its own.",
        "Blanks don't matter, unknown names are errors, both are optional, both spellings are taken.",
        "AugmentationFactory AugRandomCrop AugGridDistortion AugElasticTransform AugOpticalDistortion",
    ),
    (
        "volumes of many slices",
        "OpenCV's limits on channels apply: 512, and 4 for warps.",
        "Any number.",
        f"{_GEOMETRY} {_DISTORTION}",
    ),
    (
        "what only C++ had",
        "Iterators, sub-region views, views of all types, histograms, multi-page files.",
        "There.",
        "View ConstView ContiguousView Histogram ImReadMulti",
    ),
)

_REPLACED: tuple[tuple[str, str, str, str], ...] = (
    (
        "downloads by a shell",
        "URLs in a data set are fetched by a shell command into the current folder.",
        "An error unless asked for; then without a shell, into a cache.",
        "Dataset Sample",
    ),
    (
        "inpainting near the frame",
        "Pixels less than the radius, or 2, from the frame are filled as OpenCV 4.6 does it.",
        "As OpenCV 5 does it; equal farther in.",
        "Inpaint",
    ),
    (
        "weights of cubic interpolation",
        "OpenCV 4.6's, for 16-bit and float64 pixels also those of linear interpolation.",
        "OpenCV 5's: whole numbers differ by 1 at most, by 2 where slices are interpolated too.",
        "ResizeDim ResizeScale Rotate2D RotateFullImage2D AugResizeDim AugResizeScale AugRotate",
    ),
    (
        "images on an FPGA",
        "Always an error.",
        "An error; Device.GPU moves the memory to what torch finds.",
        "Device",
    ),
)

# (name, what both do, names concerned)
_KEPT: tuple[tuple[str, str, str], ...] = (
    (
        "truncation",
        "Numbers are clamped to the range of their type, and their fraction is cut off: nothing is rounded.",
        "ConvertTo GammaContrast ScaleTo Normalize AugBrightness AugNormalize",
    ),
    (
        "planar axes and BGR",
        "Pictures are x by y by colour, blue first; Image.to_hwc() and to_pil() give what other libraries expect.",
        "ImRead Image",
    ),
    (
        "Gaussian blur of its own",
        "Borders are replicated and sums cut off: pictures darken a little with each blur.",
        "GaussianBlur GaussianBlur2 AugGaussianBlur",
    ),
    (
        "clockwise angles",
        "Positive angles turn the picture clockwise, about (width / 2, height / 2).",
        "Rotate2D RotateFullImage2D AugRotate",
    ),
    (
        "padding of random crops",
        "Where the image is too small, what is missing is padded on both sides before the window is chosen.",
        "RandomCrop AugRandomCrop",
    ),
    (
        "border of padding",
        "Of RGB and BGR pictures border_value, if one number, paints the blue channel alone; of volumes all slices.",
        "Pad RandomCrop AugRandomCrop",
    ),
    (
        "blue first in statistics and drawing",
        "Of RGB images means, deviations and the colours of ellipses are in the order blue, green, red; own_order=True "
        "gives and takes the image's own.",
        "MeanStdDev DrawEllipse",
    ),
    (
        "types of DICOM values",
        "The smallest type that holds the values of the file at hand, unsigned if none is negative; signed colours of "
        "8 and 16 bits come back unsigned, 128 and 32,768 higher.",
        "DicomRead DicomWrite ImRead",
    ),
    (
        "floats in TIFF files shown as bytes",
        "Read as bytes, linear colours become square roots of them.",
        "ImRead",
    ),
    (
        "black frames",
        "Outside the image lies 0 for morphology: an erosion eats the frame.",
        "Morphology",
    ),
    (
        "noise",
        "Poisson noise is added without taking its mean off; Laplace noise has a standard deviation of 1.41 std_dev.",
        "AdditivePoissonNoise AdditiveLaplaceNoise AugAdditivePoissonNoise AugAdditiveLaplaceNoise",
    ),
    (
        "white is 255",
        "Salt is 255 whatever the type.",
        "Salt SaltAndPepper AugSalt AugSaltAndPepper",
    ),
    (
        "labels count the background",
        "The number of components includes the background; images of other types than uint8 are refused.",
        "ConnectedComponentsLabeling",
    ),
    (
        "one divisor in text",
        "AugToFloat32 divisor=255 divides the ground truth by 255 too; the constructor does not.",
        "AugToFloat32",
    ),
    (
        "scales are not ranges",
        "AugResizeScale takes the factors for x and y.",
        "AugResizeScale",
    ),
    (
        "destinations keep their type",
        "An image that has content keeps its element type when a result goes into it.",
        "Add Sub Mul Div Neg CopyImage",
    ),
)


def _records() -> tuple[Difference, ...]:
    fixed = [Difference(n, "FIX", o, d, "As the original.", tuple(f.split())) for n, o, d, f in _FIXED]
    kept = [Difference(n, "KEEP", o, "The same.", "The same.", tuple(f.split())) for n, o, f in _KEPT]
    lifted = [Difference(n, "LIFT", o, d, "As by default.", tuple(f.split())) for n, o, d, f in _LIFTED]
    replaced = [Difference(n, "REPLACE", o, d, "As by default.", tuple(f.split())) for n, o, d, f in _REPLACED]
    return (*fixed, *lifted, *replaced, *kept)


DIFFERENCES: tuple[Difference, ...] = _records()


def differences_of(name: str) -> tuple[Difference, ...]:
    """Return the quirks that concern a name.

    Example:
        >>> [difference.name for difference in differences_of("OneOfAugmentationContainer")]
        ['one of, always']
    """
    return tuple(difference for difference in DIFFERENCES if name in difference.names)


def status_of(name: str) -> Status:
    """Return in one word how a name compares with the original.

    Example:
        >>> status_of("Flip2D"), status_of("DrawEllipse"), status_of("DicomRead")
        ('same', 'fixed', 'lifted')
    """
    return status_among(differences_of(name))
