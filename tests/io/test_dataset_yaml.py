from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deephealth.core.errors import DataError, LimitError, MissingDataError, UnreadableFileError
from deephealth.io.dataset_yaml import YamlDataset, YamlSample, read_dataset_yaml, write_dataset_yaml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "set" / "d.yml"


def read(file: Path, text: str, **options: object) -> YamlDataset:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return read_dataset_yaml(file, **options)


def test_everything_at_once(file: Path) -> None:
    dataset = read(
        file,
        """
name: Skin
classes: [nv, mel, 3]
features: [age, site]
images:
  - a.png
  - [b1.png, sub/b2.png]
  - {location: c.png, label: mel, values: [55.0, null]}
  - location: [d1.png, d2.png]
    label: [nv, 2]
    values: {site: 010}
  - {location: e.png, label: gt/e.png}
split:
  training: [0, 2]
  holdout: [3]
  test:
""",
    )
    folder = file.parent
    assert dataset.name == "Skin"
    assert dataset.classes == ("nv", "mel", "3")
    assert dataset.samples == (
        YamlSample((folder / "a.png",)),
        YamlSample((folder / "b1.png", folder / "sub/b2.png")),
        YamlSample((folder / "c.png",), (1,), values={0: "55.0"}),
        YamlSample((folder / "d1.png", folder / "d2.png"), (0, 2), values={1: "010"}),
        YamlSample((folder / "e.png",), label_path=folder / "gt/e.png"),
    )
    assert dataset.split == {"training": (0, 2), "holdout": (3,), "test": ()}
    assert dataset.named_values(dataset.samples[3]) == {"site": "010"}


def test_defaults(file: Path) -> None:
    dataset = read(file, "images: [a.png]")
    assert dataset.name == "DeepHealth dataset"
    assert dataset.description == "This is the DeepHealth example dataset!"
    assert dataset.classes == dataset.features == ()
    assert dataset.split == {}


@pytest.mark.parametrize("label", ["1", "'1'", '"1"', "+1"])
def test_an_integer_is_an_index_before_it_is_a_name(file: Path, label: str) -> None:
    dataset = read(file, f"classes: ['10', '1']\nimages: [{{location: a.png, label: {label}}}]")
    assert dataset.samples[0].label == (1,)


def test_digits_as_class_names_need_their_index(file: Path) -> None:
    with pytest.raises(DataError, match=r"line 2: images\[0\].label: class index 10 does not exist"):
        read(file, 'classes: ["10", "20"]\nimages: [{location: a.png, label: "10"}]')


def test_labels_without_classes(file: Path) -> None:
    dataset = read(file, "images: [{location: a.png, label: 7}, {location: b.png, label: mask}]")
    assert dataset.samples[0].label == (7,)
    assert dataset.samples[1].label_path == file.parent / "mask"


def test_plain_words_stay_words(file: Path) -> None:
    dataset = read(file, "classes: [yes, no, 1.0, 2024-01-01]\nimages: [{location: a.png, label: no}]")
    assert dataset.classes == ("yes", "no", "1.0", "2024-01-01")
    assert dataset.samples[0].label == (1,)


def test_more_values_than_features_are_kept(file: Path) -> None:
    dataset = read(file, "features: [slices]\nimages: [{location: a.png, values: [160, float32]}]")
    assert dataset.named_values(dataset.samples[0]) == {"slices": "160", "value_1": "float32"}


IMAGES = "images: [a.png]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "no key 'images'"),
        ("images: 3\n", "line 1: images is a text"),
        ("images:\n- {location: a.png,\n   label: 3}\nclasses: [a]", r"line 3: images\[0\].label: class index 3"),
        ("classes: [mel]\nimages:\n- {location: a, label: mell}", "line 3.*'mell' is not a class"),
        ("classes: [mel]\nimages:\n- {location: a, label: [mel, x.png]}", r"label\[1\]: 'x.png' is not a class"),
        ("images: [{label: 1}]", r"images\[0\] has no 'location'"),
        ("images: [{location: []}]", "empty list"),
        ("images: [{location: {a: b}}]", "is a map"),
        ("features: [age]\nimages: [{location: a, values: {agee: 1}}]", "'agee' is not one of the features"),
        ("classes: [a, a]\n" + IMAGES, "the name 'a' stands in the list twice"),
        (IMAGES + "split:\n  training: [0]\n  test: [0,\n    1]", "line 5: split.test: there is no image 1"),
        (IMAGES + "split: {test: [-1]}", "there is no image -1"),
        (IMAGES + "split: {test: [x]}", "is 'x'"),
        (IMAGES + IMAGES, "line 2.*key 'images' twice"),
        (IMAGES + "? [a]\n: b", "key that is not a name"),
        ("- a", "the file is a list"),
    ],
)
def test_mistakes_name_their_place(file: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(file, text)


@pytest.mark.parametrize("text", ["", "a: [", "a: b: c", "--- a\n--- b\n", "!!python/object:os.system {}"])
def test_not_yaml(file: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"d\.yml"):
        read(file, text)


def test_missing(file: Path) -> None:
    with pytest.raises(MissingDataError):
        read_dataset_yaml(file)
    with pytest.raises(UnreadableFileError):
        read(file, "\x00")


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x.png", "a/../../x.png", "..", "link/x.png", "file-link.png", '""']
)
def test_paths_stay_below_the_root(file: Path, tmp_path: Path, path: str) -> None:
    file.parent.mkdir()
    (file.parent / "link").symlink_to(tmp_path)
    (file.parent / "file-link.png").symlink_to(tmp_path / "x.png")
    for entry in (f"[{path}]", f"[{{location: a.png, label: {path}}}]"):
        with pytest.raises(DataError, match=r"outside|line 1"):
            read(file, f"images: {entry}")


def test_paths_may_leave_the_folder_below_a_given_root(file: Path, tmp_path: Path) -> None:
    dataset = read(file, f"images: [../x.png, {tmp_path}/y.png]", root=tmp_path)
    assert [sample.location[0] for sample in dataset.samples] == [tmp_path / "x.png", tmp_path / "y.png"]
    write_dataset_yaml(dataset, file, root=tmp_path)
    assert read_dataset_yaml(file, root=tmp_path) == dataset


@pytest.mark.parametrize("address", ["http://x.org/a.png", "HTTPS://x.org/a.png", "file:///etc/passwd", "s3://b/a.png"])
def test_nothing_is_downloaded(file: Path, address: str) -> None:
    with pytest.raises(DataError, match="address"):
        read(file, f"images: ['{address}']")


def test_writer_refuses_what_it_could_not_read_back(file: Path, tmp_path: Path) -> None:
    inside, outside = YamlSample((file.parent / "a.png",), (2,)), YamlSample((tmp_path / "a.png",))
    for dataset in (
        YamlDataset((outside,)),
        YamlDataset((inside,), classes=("a",)),
        YamlDataset((inside,), split={"test": (1,)}),
    ):
        with pytest.raises(DataError):
            write_dataset_yaml(dataset, file)
    assert not file.exists()


word = st.text(st.characters(categories=("L", "N", "P", "Zs"), exclude_characters="\0/\\"), min_size=1, max_size=8)
file_names = word.filter(lambda name: name not in (".", "..") and "://" not in name)


@st.composite
def datasets(draw: st.DrawFn, folder: Path) -> YamlDataset:
    classes = tuple(draw(st.lists(word, max_size=4, unique=True)))
    features = tuple(draw(st.lists(word, max_size=3, unique=True)))
    paths = file_names.map(lambda name: folder / name)
    indices = st.integers(0, len(classes) - 1) if classes else st.integers(0, 9)
    values = st.dictionaries(st.integers(0, 4), word, max_size=3)
    sample = st.one_of(
        st.builds(YamlSample, st.lists(paths, min_size=1, max_size=3).map(tuple), values=values),
        st.builds(YamlSample, paths.map(lambda path: (path,)), st.lists(indices, max_size=3).map(tuple), values=values),
        st.builds(YamlSample, paths.map(lambda path: (path,)), label_path=paths, values=values),
    )
    samples = tuple(draw(st.lists(sample, max_size=5)))
    at = st.integers(0, len(samples) - 1) if samples else st.nothing()
    split = draw(st.dictionaries(word, st.lists(at, max_size=4).map(tuple), max_size=3)) if samples else {}
    return YamlDataset(samples, classes, features, split, draw(word), draw(word))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_written_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    folder = tmp_path_factory.mktemp("yaml").resolve()
    dataset = data.draw(datasets(folder))
    write_dataset_yaml(dataset, folder / "d.yml")
    assert read_dataset_yaml(folder / "d.yml") == dataset


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "images:\n  " + "- " * 300_000, "{a: " * 20_000], ids=["[", "-", "{"]
)
def test_a_document_nested_too_deeply_is_refused_before_it_is_put_together(tmp_path, content):
    path = tmp_path / "deep.yml"
    path.write_text(content)
    with pytest.raises(LimitError, match=r"nested (65|too) deep"):
        read_dataset_yaml(path)


def test_a_label_of_many_digits_is_no_class(tmp_path):
    path = tmp_path / "digits.yml"
    path.write_text("classes: [a]\nimages:\n  - location: a.png\n    label: " + "9" * 5000)
    with pytest.raises(DataError, match="whole number"):
        read_dataset_yaml(path)


def test_a_path_with_a_null_byte_is_refused(tmp_path):
    path = tmp_path / "null.yml"
    path.write_text('images: ["a\\0b.png"]')
    with pytest.raises(DataError, match="leads outside"):
        read_dataset_yaml(path)


def test_a_path_that_no_file_system_takes_is_refused(tmp_path):
    path = tmp_path / "long.yml"
    path.write_text("images: [" + "a" * 5000 + "]")
    with pytest.raises(DataError, match="can't be looked up"):
        read_dataset_yaml(path)
