"""Painting over text in every kind of DICOM object, and leaving everything else bit for bit as it was."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.pixels import pixel_array
from pydicom.uid import UID

from deephealth.core.errors import QuarantineError
from deephealth.lake.identifiers import Identifiers
from deephealth.lake.pixels import cleaner
from deephealth.lake.pixels.cleaner import PixelCleaner
from deephealth.lake.pixels.finder import Finding
from deephealth.lake.pixels.many import Look
from deephealth.lake.pixels.outcome import PixelOutcome
from deephealth.lake.reasons import Reason
from tests.lake.pixels.pictures import dataset_of, written

pytest.importorskip("rapidocr")
pytest.importorskip("onnxruntime")

NOBODY = Identifiers()
STROKES = written()[1] - written()[0] > 0.1


def clean(dataset: pydicom.Dataset) -> PixelOutcome:
    return PixelCleaner().clean(dataset, NOBODY)


def outside(outcome: PixelOutcome, shape: tuple[int, ...]) -> np.ndarray:
    mask = np.ones(shape[:2], bool)
    for box in outcome.boxes:
        mask[box.y0 : box.y1, box.x0 : box.x1] = False
    return mask


def assert_hidden(before: np.ndarray, dataset: pydicom.Dataset, outcome: PixelOutcome, black: object) -> None:
    """The text's region holds one value, the rest is as it was; the object can be written and read again."""
    stream = io.BytesIO()
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.save_as(stream, enforce_file_format=True)
    stream.seek(0)
    again = pydicom.dcmread(stream)
    after = pixel_array(again, raw=True)
    assert outcome.status == "hidden"
    assert outcome.executed
    keep = outside(outcome, before.shape)
    assert not keep[STROKES].any(), "the text's region is under paint"
    assert keep.mean() > 0.4, "only the text is"
    np.testing.assert_array_equal(after[keep], before[keep])
    assert (after[~keep] == black).all()


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
def test_native_keeps_its_syntax(syntax: str) -> None:
    picture = (written()[1] * 4095).astype(np.uint16)
    dataset = dataset_of(picture[None], stored=12, LargestImagePixelValue=4095, SmallestImagePixelValue=0)
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    outcome = clean(dataset)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert_hidden(picture, dataset, outcome, picture.min())
    after = np.frombuffer(dataset.PixelData, np.uint16)
    assert (dataset.SmallestImagePixelValue, dataset.LargestImagePixelValue) == (after.min(), after.max())


def test_big_endian() -> None:
    picture = (written()[1] * 4095).astype(np.uint16)
    dataset = dataset_of(picture[None], stored=12)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    dataset.PixelData = picture.astype(">u2").tobytes()
    outcome = clean(dataset)
    after = np.frombuffer(dataset.PixelData, ">u2").reshape(picture.shape)
    keep = outside(outcome, picture.shape)
    assert outcome.status == "hidden"
    assert not keep[STROKES].any()
    np.testing.assert_array_equal(after[keep], picture[keep])


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"])
def test_compressed_stays_compressed_without_loss(syntax: str) -> None:
    picture = (written()[1] * 4095).astype(np.uint16)
    dataset = dataset_of(picture[None], stored=12, LossyImageCompression="00")
    dataset.compress(syntax, generate_instance_uid=False)
    outcome = clean(dataset)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert_hidden(picture, dataset, outcome, picture.min())


def test_lossy_is_stored_without_further_loss_and_stays_flagged() -> None:
    stream = io.BytesIO()
    Image.fromarray((written()[1] * 255).astype(np.uint8)).save(stream, "JPEG", quality=90)
    picture = np.asarray(Image.open(stream))
    dataset = dataset_of(picture[None], LossyImageCompression="01", LossyImageCompressionMethod="ISO_10918_1")
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.JPEGBaseline8Bit
    outcome = clean(dataset)
    assert (dataset.LossyImageCompression, dataset.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert dataset.file_meta.TransferSyntaxUID in (pydicom.uid.JPEGLSLossless, pydicom.uid.ExplicitVRLittleEndian)
    assert_hidden(picture, dataset, outcome, picture.min())


def test_signed_is_painted_with_the_least_value() -> None:
    picture = (written()[1] * 3000 - 1000).astype(np.int16)
    dataset = dataset_of(picture[None])
    assert_hidden(picture, dataset, clean(dataset), picture.min())


def test_monochrome1_is_painted_dark() -> None:
    picture = 4095 - (written()[1] * 4095).astype(np.uint16)
    dataset = dataset_of(picture[None], stored=12, photometric="MONOCHROME1")
    assert_hidden(picture, dataset, clean(dataset), picture.max())


def test_float_pixels() -> None:
    picture = written()[1].astype(np.float32)
    dataset = dataset_of(picture[None])
    del dataset.PixelData
    dataset.FloatPixelData = picture.tobytes()
    outcome = clean(dataset)
    after = np.frombuffer(dataset.FloatPixelData, np.float32).reshape(picture.shape)
    keep = outside(outcome, picture.shape)
    assert outcome.status == "hidden"
    assert not keep[STROKES].any()
    np.testing.assert_array_equal(after[keep], picture[keep])
    assert (after[~keep] == picture.min()).all()


@pytest.mark.parametrize("planar", [0, 1])
def test_colour(planar: int) -> None:
    picture = np.repeat((written()[1] * 255).astype(np.uint8)[..., None], 3, 2)
    picture[..., 2] //= 2  # yellow
    dataset = dataset_of(picture[None], photometric="RGB", Modality="US")
    if planar:
        dataset.PlanarConfiguration = 1
        dataset.PixelData = picture.transpose(2, 0, 1).tobytes()
    outcome = clean(dataset)
    assert dataset.PlanarConfiguration == planar
    assert_hidden(picture, dataset, outcome, 0)


def test_ybr_black_is_grey_of_luma_0() -> None:
    grey = (written()[1] * 255).astype(np.uint8)
    picture = np.stack([grey, np.full_like(grey, 128), np.full_like(grey, 128)], 2)
    dataset = dataset_of(picture[None], photometric="YBR_FULL")
    assert_hidden(picture, dataset, clean(dataset), np.array([0, 128, 128]))


def test_palette_is_painted_with_the_index_of_black() -> None:
    picture = 255 - (written()[1] * 255).astype(np.uint8)  # index 255 is black in this palette
    dataset = dataset_of(picture[None], photometric="PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = (255 - np.arange(256)).astype(np.uint16) * 257
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table.tobytes())
    assert_hidden(picture, dataset, clean(dataset), picture.max())


def test_without_text_not_a_bit_changes() -> None:
    picture = (written()[0] * 4095).astype(np.uint16)
    dataset = dataset_of(picture[None], stored=12)
    before = dataset.PixelData
    outcome = clean(dataset)
    assert (outcome.status, outcome.boxes, outcome.executed) == ("kept", (), True)
    assert dataset.PixelData is before


def test_text_on_one_frame_of_many() -> None:
    plain, text = ((part * 255).astype(np.uint8) for part in written())
    dataset = dataset_of(np.stack([plain] * 12 + [text] + [plain] * 7))
    outcome = clean(dataset)
    after = np.frombuffer(dataset.PixelData, np.uint8).reshape(20, *plain.shape)
    keep = outside(outcome, plain.shape)
    assert outcome.status == "hidden"
    assert not keep[STROKES].any()
    assert all((frame[keep] == (text if index == 12 else plain)[keep]).all() for index, frame in enumerate(after))
    assert len(np.unique(after[12][STROKES])) == 1


@pytest.mark.parametrize("text", ["2016-08-27", "10/06/1981", "SOMMER 18.6.66"])
def test_writing_upside_down_beside_the_edge_is_hidden(text: str) -> None:
    rng = np.random.default_rng(3)
    skin = np.clip(
        205 + cv2.GaussianBlur(rng.normal(0, 60, (300, 400)), (0, 0), 6) + rng.normal(0, 2, (300, 400)), 0, 255
    )
    drawn = cv2.putText(
        np.zeros((300, 400), np.uint8), text, (170, 32), cv2.FONT_HERSHEY_DUPLEX, 0.9, 255, 2, cv2.LINE_AA
    )
    stood = np.rot90(drawn, 2) / 255.0
    outcome = clean(dataset_of((skin * (1 - stood)).astype(np.uint8)[None], Modality="XC"))
    assert outcome.status == "hidden"
    assert not outside(outcome, stood.shape)[stood > 0.5].any()


def test_a_cine_is_read_a_few_times_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from deephealth.lake.pixels.reader import reader

    looks = []
    detect = reader().detect
    monkeypatch.setattr(reader(), "detect", lambda *args: looks.append(1) or detect(*args))
    text = (written()[1] * 255).astype(np.uint8)
    rng = np.random.default_rng(0)
    frames = np.stack([np.clip(text + rng.normal(0, 3, text.shape), 0, 255).astype(np.uint8) for _ in range(60)])
    outcome = clean(dataset_of(frames, Modality="US"))
    assert outcome.status == "hidden"
    assert len(looks) <= 8


def test_overlay_in_the_high_bits_is_masked() -> None:
    plain = (written()[0] * 4095).astype(np.uint16)
    text = (written()[1] - written()[0] > 0.2).astype(np.uint16)
    dataset = dataset_of((plain | text << 12)[None], stored=12)
    outcome = clean(dataset)
    after = np.frombuffer(dataset.PixelData, np.uint16).reshape(plain.shape)
    assert outcome.status == "hidden"
    assert "overlay bits" in {box.why for box in outcome.boxes}
    np.testing.assert_array_equal(after & 0x0FFF, after)


def test_a_bomb_is_refused_before_it_is_decoded() -> None:
    dataset = dataset_of(np.zeros((1, 16, 16), np.uint8), Rows=60000, Columns=60000)
    with pytest.raises(QuarantineError) as caught:
        clean(dataset)
    assert caught.value.reason == Reason.TOO_LARGE
    dataset.Rows, dataset.Columns = 64, 64
    with pytest.raises(QuarantineError) as caught:
        clean(dataset)
    assert caught.value.reason == Reason.PIXELS_UNREADABLE


def test_no_pixels_and_slide_labels() -> None:
    assert clean(pydicom.Dataset()).status == "none"
    slide = dataset_of(np.zeros((1, 16, 16), np.uint8), SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6")
    slide.ImageType = ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]
    outcome = clean(slide)
    assert outcome.status == "drop"
    assert "label" in outcome.reason


def test_laterality_marks_stay() -> None:
    import cv2

    picture = (written()[0] * 255).astype(np.uint8)
    cv2.putText(picture, "R", (20, 60), 0, 1.4, 255, 2, cv2.LINE_AA)
    assert clean(dataset_of(picture[None], Modality="CR")).status == "kept"


def corner_text(rows: int, columns: int) -> np.ndarray:
    """Ellipses as a phantom draws them, and two lines in a corner."""
    from PIL import ImageDraw, ImageFont

    picture = Image.new("L", (columns, rows))
    draw = ImageDraw.Draw(picture)
    for box, grey in (((60, 110, 190, 220), 150), ((150, 70, 210, 150), 200), ((160, 150, 220, 260), 120)):
        draw.ellipse(box, fill=grey)
    import matplotlib

    font = ImageFont.truetype(f"{matplotlib.get_data_path()}/fonts/ttf/DejaVuSans.ttf", 16)
    draw.text((6, 4), "DOB: 14.01.2012 F\nQUIMBY, ZELDA", fill=255, font=font)
    noise = np.random.default_rng(0).normal(0, 2, (rows, columns))
    return np.clip(np.asarray(picture, float) + noise, 0, 255).astype(np.uint8)


def test_the_picture_itself_is_no_line_of_text(monkeypatch: pytest.MonkeyPatch) -> None:
    from deephealth.lake.pixels.reader import Found, Reader

    picture = corner_text(448, 320)
    dataset = dataset_of(picture[None])
    detect = Reader.detect
    whole = Found(0, 0, 320, 448, np.array([[0, 0], [320, 0], [320, 448], [0, 448]], float), 0.99)
    monkeypatch.setattr(Reader, "detect", lambda *arguments: [*detect(*arguments), whole])
    outcome = clean(dataset)
    assert outcome.status == "hidden"
    assert not outside(outcome, picture.shape)[10:40, 10:120].any(), "the text is covered"
    assert outside(outcome, picture.shape)[80:].all(), "the phantom stays"


def test_a_picture_that_would_be_mostly_painted_is_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    from deephealth.lake.pixels import cleaner
    from deephealth.lake.pixels.finder import Finding
    from deephealth.lake.pixels.many import Look

    picture = corner_text(448, 320)
    dataset = dataset_of(picture[None])
    before = dataset.PixelData
    look = Look(findings=[Finding(0, 0, 320, 400, "read", 0.9)])
    monkeypatch.setattr(cleaner, "look_at_frames", lambda *_, **__: look)
    monkeypatch.setattr(PixelCleaner, "_verify", lambda *_: None)
    outcome = clean(dataset)
    assert outcome.status == "doubtful"
    assert dataset.PixelData == before


def test_a_name_on_a_grid_is_not_let_through():
    """Letters over a dense grid can't be seen by the screen nor by the reader: such a picture goes to quarantine."""
    lines = np.arange(384) % 12 < 5
    grid = np.where(lines[:, None] | lines, 230, 20).astype(np.uint8)
    cv2.putText(grid, "DOE JANE 1961", (60, 200), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 235, 1)
    outcome = PixelCleaner().clean(dataset_of(grid[None]), Identifiers())
    assert outcome.status in ("doubtful", "hidden")


def _pattern() -> np.ndarray:
    picture = np.zeros((640, 640), np.uint8)
    for at in np.ndindex(32, 32):
        cv2.circle(picture, (at[1] * 20 + 10, at[0] * 20 + 10), 4 if at[0] * at[1] % 3 else 7, 160, 3)
    return cv2.putText(picture, "KOWALSKI^HANS", (300, 600), cv2.FONT_HERSHEY_DUPLEX, 1, 255, 2)


def test_letters_that_stand_in_a_pattern_put_the_object_in_doubt() -> None:
    dataset = dataset_of(_pattern()[None])
    outcome = clean(dataset)
    assert outcome.status == "doubtful"
    assert outcome.reason.startswith("a pattern covers the picture")
    np.testing.assert_array_equal(dataset.pixel_array, _pattern())


def test_a_pattern_puts_the_object_in_doubt_although_some_writing_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Finding(300, 570, 420, 610, "read", 0.9)
    monkeypatch.setattr(cleaner, "look_at_frames", lambda *_, **__: Look(findings=[found]))
    dataset = dataset_of(_pattern()[None])
    outcome = clean(dataset)
    assert outcome.status == "doubtful"
    assert outcome.reason.startswith("a pattern covers the picture")
    assert len(outcome.boxes) == 1
    np.testing.assert_array_equal(dataset.pixel_array, _pattern())
