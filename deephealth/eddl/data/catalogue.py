"""What the data sets consist of, and where they come from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DATASETS", "BinFile", "Dataset", "Source"]

MEBIBYTE = 2**20


@dataclass(frozen=True, slots=True)
class BinFile:
    """One ``.bin`` file that programs load.

    Args:
        name: its file name.
        shape: its shape; 0 stands for any number.
        meaning: what is in it.
        link: folder of the original's share that it lies in.
    """

    name: str
    shape: tuple[int, ...]
    meaning: str
    link: str

    @property
    def url(self) -> str:
        """Where the original fetched it."""
        return f"https://www.dropbox.com/s/{self.link}/{self.name}?dl=1"

    @property
    def shape_text(self) -> str:
        """The shape for people: ``N`` where any number goes."""
        return "[" + ", ".join(str(size) if size else "N" for size in self.shape) + "]"


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the data set's own publishers.

    Args:
        url: where it is.
        md5: its published checksum.
        limit: largest size in bytes that is accepted.
    """

    url: str
    md5: str
    limit: int

    @property
    def name(self) -> str:
        """Its file name."""
        return self.url.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A data set.

    Args:
        name: what the function is called after ``download_``.
        files: what programs load.
        about: what it is.
        sources: the publishers' files, which can be converted; empty where only the original's share has it.
    """

    name: str
    files: tuple[BinFile, ...]
    about: str
    sources: tuple[Source, ...] = ()


_MNIST = "https://ossci-datasets.s3.amazonaws.com/mnist/"

DATASETS: dict[str, Dataset] = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            "mnist",
            (
                BinFile("mnist_trX.bin", (60000, 784), "images of 28 x 28 pixels in rows, 0 to 255", "khrb3th2z6owd9t"),
                BinFile("mnist_trY.bin", (60000, 10), "digits, one-hot", "m82hmmrg46kcugp"),
                BinFile("mnist_tsX.bin", (10000, 784), "test images", "7psutd4m4wna2d5"),
                BinFile("mnist_tsY.bin", (10000, 10), "test digits, one-hot", "q0tnbjvaenb4tjs"),
            ),
            "handwritten digits",
            (
                Source(f"{_MNIST}train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 32 * MEBIBYTE),
                Source(f"{_MNIST}train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", MEBIBYTE),
                Source(f"{_MNIST}t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 8 * MEBIBYTE),
                Source(f"{_MNIST}t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", MEBIBYTE),
            ),
        ),
        Dataset(
            "cifar",
            (
                BinFile("cifar_trX.bin", (50000, 3, 32, 32), "RGB images, 0 to 255", "wap282xox5ew02d"),
                BinFile("cifar_trY.bin", (50000, 10), "classes, one-hot", "yxhw99cu1ktiwxq"),
                BinFile("cifar_tsX.bin", (10000, 3, 32, 32), "test images", "dh9vqxe9vt7scrp"),
                BinFile("cifar_tsY.bin", (10000, 10), "test classes, one-hot", "gdmsve6mbu82ndp"),
            ),
            "small photographs of ten classes (CIFAR-10)",
            (
                Source(
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                    "c32a1d4ab5d03f1284b67883e8d87530",
                    256 * MEBIBYTE,
                ),
            ),
        ),
        Dataset(
            "drive",
            (
                BinFile("drive_trX.bin", (20, 584, 584, 3), "retina photographs, RGB last", "tf3uzrsjtv4jiey"),
                BinFile("drive_trY.bin", (20, 584, 584), "vessels, 0 or 255", "xakcuhby30ylpes"),
            ),
            "vessels in photographs of the retina (DRIVE)",
        ),
        Dataset(
            "imdb_2000",
            (
                BinFile(
                    "imdb_2000_trX.bin",
                    (0, 250),
                    "word numbers below 2000, 0 as filling",
                    "4m0h8ep53mixq6x",
                ),
                BinFile("imdb_2000_trY.bin", (0, 1), "1 for praise, 0 for blame", "zekpjclm58tdevk"),
                BinFile("imdb_2000_tsX.bin", (0, 250), "test reviews", "1bgdr8mz1lqkhgi"),
                BinFile("imdb_2000_tsY.bin", (0, 1), "test labels", "6cwob77654lruwq"),
            ),
            "film reviews",
        ),
        Dataset(
            "eutrans",
            (
                BinFile("eutrans_trX.bin", (0, 30), "word numbers below 687, 0 as filling", "2w0p7f4un6ci94v"),
                BinFile("eutrans_trY.bin", (0, 30), "word numbers below 514", "g4k1bc6p4bow9tf"),
                BinFile("eutrans_tsX.bin", (0, 30), "test sentences", "egcfin16gl9t92y"),
                BinFile("eutrans_tsY.bin", (0, 30), "test translations", "n8ks3lyqyhxx1e8"),
            ),
            "sentences of travellers in two languages",
        ),
        Dataset(
            "flickr",
            (
                BinFile("flickr_trX.bin", (0, 256, 256, 3), "photographs, RGB last", "452pyxe9x5jpnwb"),
                BinFile("flickr_trY.bin", (0, 20), "captions, word numbers below 2000", "24c2d5bm6pug8gg"),
            ),
            "photographs with captions",
        ),
    )
}
