"""Files that are taken for graphs and are none: what each seems to be, and how it becomes an ONNX graph."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

HEAD_BYTES = 512
MANY_NAMES = 10_000
"""An archive of more names than these is not looked into."""
_ARCHIVE, _ENTRY = b"PK\x03\x04", b"PK\x01\x02"

_PYTORCH = (
    "torch.onnx.export(generator, latent, 'generator.onnx') in PyTorch writes one, of the loaded network"
)
_KERAS = "tf2onnx writes one (Keras: model.export('generator.onnx', format='onnx'))"
_UNPACK = "unpack it, and name the .onnx file in it"
_PICTURE = (
    "a picture",
    "a generator is learnt from a folder of pictures by ganymede train --data folder:FOLDER",
)
_PICKLE = ("a pickle of Python's, such as StyleGAN's", "load it with its own code: " + _PYTORCH)
_HEADS: tuple[tuple[int, bytes, tuple[str, str]], ...] = (
    (0, b"\x89PNG", _PICTURE),
    (0, b"\xff\xd8\xff", _PICTURE),
    (0, b"GIF8", _PICTURE),
    (8, b"WEBP", _PICTURE),
    (0, b"II*\0", _PICTURE),
    (0, b"MM\0*", _PICTURE),
    (4, b"ftyp", ("a picture or a video", _PICTURE[1])),
    (0, b"%PDF", ("a PDF", "name the .onnx file")),
    (0, b"\x89HDF", ("an HDF5 file, such as Keras' weights or model", _KERAS)),
    (4, b"TFL3", ("a TensorFlow Lite model", "export the network that it was made from: " + _KERAS)),
    (4, b"ORTM", ("in ONNX Runtime's own format", "name the .onnx file that it was made from")),
    (0, b"GGUF", ("a GGUF file, weights alone", "load them into their network: " + _PYTORCH)),
    (0, b"\x93NUMPY", ("an array of NumPy's", "name the network's .onnx file")),
    *((0, bytes([0x80, protocol]), _PICKLE) for protocol in range(2, 6)),
    (0, b"\x1f\x8b", ("packed by gzip", _UNPACK)),
    (0, b"7z\xbc\xaf", ("a 7z archive", _UNPACK)),
    (0, b"Rar!", ("a RAR archive", _UNPACK)),
    (257, b"ustar", ("a tar archive", _UNPACK)),
    (
        0,
        b"version https://git-lfs",
        ("a pointer of Git LFS, not the file itself", "git lfs pull fetches it"),
    ),
)
_ENDINGS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (".pt", ".pth", ".ckpt", ".bin", ".pkl"), ("weights or a network of PyTorch's", _PYTORCH)
        ),
        **dict.fromkeys((".h5", ".hdf5", ".keras"), ("a model of Keras'", _KERAS)),
        ".pb": ("a graph of TensorFlow's", "tf2onnx converts it: python -m tf2onnx.convert --help"),
        ".xml": (
            "a network for OpenVINO, or another document",
            "name the .onnx file that it was made from",
        ),
        **dict.fromkeys(
            (".engine", ".plan", ".mlmodel"),
            ("a network made for one kind of device", "name the .onnx file that it was made from"),
        ),
    }
)


def begins_otherwise(content: bytes) -> bool:
    """Whether its first bytes are another format's, such as none begins with that writes ONNX graphs."""
    return content.startswith(_ARCHIVE) or any(
        content.startswith(magic) for place, magic, _ in _HEADS if not place
    )


def explain_kind(path: Path, content: bytes) -> str:
    """What a file that is no ONNX graph seems to be, and what to do, as sentences."""
    kind = _find_kind(path, content)
    if kind is None:
        return f"{path} is not an ONNX graph. Name the .onnx file that the generator was exported to."
    seems, advice = kind
    return f"{path} is not an ONNX graph: it seems to be {seems}. To go on: {advice}."


def explain_folder(folder: Path) -> str:
    """What a folder in a graph's place seems to be, and what to do, as sentences."""
    said = f"{folder} is a folder, not an ONNX graph"
    if (folder / "saved_model.pb").is_file():
        convert = f"python -m tf2onnx.convert --saved-model {folder} --output generator.onnx"
        return f"{said}: it seems to be a SavedModel of TensorFlow's. Convert it: {convert}"
    if (folder / "config.json").is_file():
        return f"{said}: it seems to be a run. ganymede export and ganymede publish make a release of it."
    if (folder / "manifest.json").is_file():
        return f"{said}: it seems to be a release already. Copy it into the store, NAME/versions/VERSION."
    graphs = sorted(entry.name for entry in folder.glob("*.onnx"))[:5]
    if not graphs:
        return f"{said}, and there is none in it. Name the .onnx file that the generator was exported to."
    return f"{said}. Name the file in it: {' or '.join(graphs)}."


def _find_kind(path: Path, content: bytes) -> tuple[str, str] | None:
    if content.startswith(_ARCHIVE):
        return _describe_archive(content)
    head = content[:HEAD_BYTES]
    for place, magic, kind in _HEADS:
        if head[place : place + len(magic)] == magic:
            return kind
    if 0 < int.from_bytes(head[:8], "little") < len(content) and head[8:9] == b"{":
        return "safetensors, weights without a graph", "load them into their network: " + _PYTORCH
    if not any(head):
        return "nothing but zeros", "its copy or download did not finish; fetch it again"
    if path.suffix.lower() in _ENDINGS:
        return _ENDINGS[path.suffix.lower()]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "a web page", "its download went wrong; fetch the file itself"
    if head.startswith(b"\x08"):  # the version of the format, with which exporters begin
        return "one that is cut off or damaged", "copy or export it again"
    if start and not any(byte < 9 or 13 < byte < 32 for byte in head):
        return "text", "name the .onnx file that the generator was exported to"
    return None


def _describe_archive(content: bytes) -> tuple[str, str]:
    """A ZIP archive by the names in it: PyTorch, Keras and NumPy write such."""
    if content.count(_ENTRY) > MANY_NAMES:  # zipfile reads its whole directory, however long
        return "a ZIP archive", _UNPACK
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError):
        names = []
    if any(name.endswith("data.pkl") for name in names):
        return "weights or a network of PyTorch's", _PYTORCH
    if any(name.endswith(".weights.h5") for name in names):
        return "a model of Keras'", _KERAS
    if graph := next((name for name in names if name.endswith(".onnx")), None):
        return f"a ZIP archive that holds {graph[:100]!r}", "unpack it, and name that file"
    if names and all(name.endswith(".npy") for name in names):
        return "arrays of NumPy's", "name the network's .onnx file"
    return "a ZIP archive", _UNPACK
