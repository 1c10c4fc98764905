r"""Memory of the lake's de-identification: the real command over many small objects, all its processes together.

    python scripts/bench/deid/speed.py --memory --files 10000

The objects are made from a seed: CT and MR slices of 128 x 128 pixels with headers of real size (90 public attributes,
160 private ones), all different, 250 to a patient; one in 50 has writing in its pixels, so that the reader works too.
Pages that processes share count once: the figure is the sum of their proportional set sizes (PSS).
"""

from __future__ import annotations

import contextlib
import io
import shlex
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

SIDE, PER_PATIENT, WRITTEN_EACH = 128, 250, 50
LARGE = 512
_CT, _MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"
_PUBLIC = (
    ("PatientName", "DOE^PATIENT{patient:05d}"), ("PatientID", "MRN{patient:07d}"), ("PatientBirthDate", "19500101"),
    ("PatientSex", "F"), ("PatientAge", "070Y"), ("StudyDate", "20200229"), ("SeriesDate", "20200229"),
    ("StudyTime", "101112"), ("AccessionNumber", "ACC{patient:07d}"), ("InstitutionName", "Example Hospital"),
    ("ReferringPhysicianName", "ROE^RICHARD"), ("StationName", "SCANNER1"), ("Manufacturer", "Example"),
    ("ManufacturerModelName", "Example 64"), ("StudyDescription", "ROUTINE"), ("SeriesDescription", "ax 3.0 mm"),
    ("ProtocolName", "3.1 Routine"), ("BodyPartExamined", "CHEST"), ("ImageType", "ORIGINAL\\PRIMARY\\AXIAL"),
    ("DeviceSerialNumber", "12345"), ("SoftwareVersions", "1.2.3"), ("PatientPosition", "HFS"),
    ("ImageComments", "for Mrs Doe"), ("SliceThickness", "3.0"), ("KVP", "120"), ("WindowCenter", "40"),
    ("WindowWidth", "400"), ("RescaleIntercept", "0"), ("RescaleSlope", "1"), ("PixelSpacing", "0.7\\0.7"),
)  # fmt: skip


def _object(number: int, pixels: np.ndarray) -> bytes:
    """Return one object with these pixels as a file."""
    import pydicom
    from pydicom.dataset import FileMetaDataset

    patient = number // PER_PATIENT
    data = pydicom.Dataset()
    data.SOPClassUID = _MR if patient % 3 == 2 else _CT
    data.Modality = "MR" if patient % 3 == 2 else "CT"
    data.SOPInstanceUID = f"1.2.826.0.1.3680043.99.3.{number + 1}"
    data.StudyInstanceUID = f"1.2.826.0.1.3680043.99.1.{patient + 1}"
    data.SeriesInstanceUID = f"1.2.826.0.1.3680043.99.2.{patient + 1}"
    data.FrameOfReferenceUID = f"1.2.826.0.1.3680043.99.4.{patient + 1}"
    data.InstanceNumber, data.SeriesNumber = number % PER_PATIENT + 1, 1
    for keyword, text in _PUBLIC:
        values = text.format(patient=patient).split("\\")
        setattr(data, keyword, values if len(values) > 1 else values[0])
    for group in (0x0019, 0x0027, 0x0043, 0x0045):
        block = data.private_block(group, f"EXAMPLE {group:04X}", create=True)
        for element in range(40):
            block.add_new(element, "LO", f"value {number} of {element}")
    data.Rows, data.Columns = pixels.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = pixels.tobytes()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True, implicit_vr=False, little_endian=True)
    return stream.getvalue()


def _pixels(number: int, rng: np.random.Generator) -> np.ndarray:
    import cv2

    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    body = 1000.0 * ((x / 55) ** 2 + (y / 40) ** 2 < 1) + 300.0 * ((x - 15) ** 2 + y**2 < 150)
    picture = cv2.GaussianBlur(body + rng.normal(0, 60, body.shape), (0, 0), 1.2) + rng.uniform(20, 60)
    if number % WRITTEN_EACH == 0:
        writing = np.zeros((SIDE, SIDE), np.uint8)
        cv2.putText(writing, f"DOE {number}", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5, 255.0, 1, cv2.LINE_AA)
        picture = np.maximum(picture, writing * 8.0)
    return picture.clip(0, 4095).astype("<u2")


def make_objects(folder: Path, files: int, seed: int = 6) -> None:
    """Write the objects, 250 to a folder."""
    rng = np.random.default_rng(seed)
    for number in range(files):
        _write(folder, number, _pixels(number, rng))


def make_slices(folder: Path, files: int, data: Path, seed: int = 6) -> None:
    """Write CT slices of 512 x 512 without writing: real ones of the folder's volumes, enlarged, turned, with noise."""
    import cv2
    import nibabel

    rng = np.random.default_rng(seed)
    volumes = [np.asarray(nibabel.load(path).dataobj, np.float32) for path in sorted(data.rglob("*[Cc][Tt]_*.nii.gz"))]
    slices = [volume[..., at] for volume in volumes for at in range(volume.shape[2]) if volume.ndim == 3]
    slices = [one for one in slices if float(one.max()) - float(one.min()) > 500]  # a label is none
    if not slices:
        raise SystemExit(f"{data}: no CT volume (*CT_*.nii.gz) lies there")
    for number in range(files):
        picture = np.rot90(slices[number % len(slices)], rng.integers(4)).clip(-1024, 3071) + 1024
        factor = LARGE * rng.uniform(0.8, 1.0) / max(picture.shape)
        large = cv2.resize(np.ascontiguousarray(picture), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
        spare = [LARGE - side for side in large.shape]
        framed = np.pad(large, [(side // 2, side - side // 2) for side in spare])
        _write(folder, number, (framed + rng.normal(0, 12, framed.shape)).clip(0, 4095).astype("<u2"))


def _write(folder: Path, number: int, pixels: np.ndarray) -> None:
    place = folder / f"{number // PER_PATIENT:04d}"
    place.mkdir(parents=True, exist_ok=True)
    (place / f"{number:06d}.dcm").write_bytes(_object(number, pixels))


def _tree(root: int) -> list[int]:
    """Return a process and all that came from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, IndexError):
            parents.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, new = [], [root]
    while new:
        found.append(new.pop())
        new += parents.get(found[-1], [])
    return found


def _mib(process: int, file: str, field: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/{file}").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0


def _role(process: int, root: int) -> str:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
        parent = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        if process == root:
            return "main"
        if "resource_tracker" in command:
            return "tracker"
        return "fork server" if parent == root else f"worker {process}"
    return f"gone {process}"


def measure_memory(files: int, processes: int, ours: str) -> dict[str, object]:
    """Run the command over fresh objects; return the largest sum of PSS and each process's largest RSS, in MiB."""
    with tempfile.TemporaryDirectory(prefix="memory-") as temporary:
        source, out, key = (Path(temporary) / name for name in ("in", "out", "speed.key"))
        make_objects(source, files)
        begin = time.perf_counter()
        command = shlex.split(ours.format(source=source, out=out, key=key, processes=processes))
        peak, rss, largest = 0.0, dict[str, float](), dict[str, float]()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
            while run.poll() is None:
                pss = {_role(process, run.pid): _mib(process, "smaps_rollup", "Pss:") for process in _tree(run.pid)}
                for process in _tree(run.pid):
                    role = _role(process, run.pid)
                    rss[role] = max(rss.get(role, 0.0), _mib(process, "status", "VmHWM:"))
                if sum(pss.values()) > peak:
                    peak, largest = sum(pss.values()), pss
                time.sleep(0.5)
            said = run.stdout.read() if run.stdout else ""
        if run.returncode:
            raise SystemExit(f"the command ended with {run.returncode}: {said[-800:]}")
        seconds = time.perf_counter() - begin
        outputs = sum(1 for _ in out.rglob("*.dcm"))
    return {"files": files, "outputs": outputs, "seconds": seconds, "pss": peak, "pss_by": largest, "rss": rss}
