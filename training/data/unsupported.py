"""Files of pictures, or of what pictures are made of, that are not read: which kind it is, and what to do."""

from collections.abc import Mapping
from types import MappingProxyType

from PIL import features

HEIC, AVIF, SVG, JXL = "HEIC", "AVIF", "SVG", "JPEG XL"
PROGRAM, LAYERS = "a PostScript drawing", "a painting program's file"
POINTER, PAGE, NOTHING = "a pointer of Git LFS", "a web page", "an empty file"
TIFF = "a TIFF file of such numbers"
RAW, VIDEO, ARCHIVE, TABLE = "a camera's raw file", "a video", "an archive", "a table"
ADVICE: Mapping[str, str] = MappingProxyType(
    {
        SVG: "draw it as PNG first, with rsvg-convert or Inkscape",
        HEIC: "save it as JPEG first, with heif-convert, or on a Mac with sips -s format jpeg",
        AVIF: "save it as PNG first, with avifdec",
        JXL: "save it as PNG first, with djxl",
        PROGRAM: "draw it as PNG first, with Ghostscript or Inkscape",
        LAYERS: "save it as PNG first, in that program",
        RAW: "develop it to JPEG or TIFF first, with darktable-cli or your camera's program",
        VIDEO: "take pictures out of it first, with ffmpeg -i FILE -vf fps=1 %05d.png",
        ARCHIVE: "unpack it first",
        TABLE: "write the pictures in it to files first, with datasets or pandas",
        "a NumPy file": "name it itself: --data npz:FILE.npz, with the pictures as `images`",
        "a PDF": "draw its pages as PNG first, with pdftoppm -png",
        TIFF: "save its pictures in colour or grey, with whole numbers of 8 or 16 bits",
        POINTER: "fetch what it stands for first, with git lfs pull",
        PAGE: "what was to be downloaded was not; download it anew",
        NOTHING: "it was not copied or downloaded to its end",
        "TFRecord": "write the pictures in it to files first",
        "HDF5 or MATLAB": "write its pictures into a NumPy archive first, as `images`: --data npz:FILE.npz",
    }
)
ENDINGS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("svg", "svgz"), SVG),
        **dict.fromkeys(("heic", "heif", "hif", "heics"), HEIC),
        "avif": AVIF,
        "jxl": JXL,
        **dict.fromkeys(("eps", "ps", "ai"), PROGRAM),
        **dict.fromkeys(("xcf", "kra", "clip", "afphoto", "ora"), LAYERS),
        **dict.fromkeys(("cr2", "cr3", "crw", "nef", "nrw", "arw", "srf", "sr2", "dng", "orf"), RAW),
        **dict.fromkeys(("rw2", "raf", "pef", "srw", "3fr", "iiq", "x3f", "raw"), RAW),
        **dict.fromkeys(
            ("mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "wmv", "flv", "3gp", "mts"), VIDEO
        ),
        **dict.fromkeys(("zip", "tar", "gz", "tgz", "bz2", "xz", "zst", "7z", "rar"), ARCHIVE),
        **dict.fromkeys(("parquet", "arrow", "feather"), TABLE),
        **dict.fromkeys(("npy", "npz"), "a NumPy file"),
        **dict.fromkeys(("h5", "hdf5", "mat"), "HDF5 or MATLAB"),
        **dict.fromkeys(("tfrecord", "tfrecords"), "TFRecord"),
        "pdf": "a PDF",
    }
)
HEAD_BYTES = 1024
HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def find_kind(name: str, head: bytes = b"") -> str | None:
    """Return which kind that is not read a file is of, by its first bytes, or else by its name.

    None: of no such kind. AVIF is one only where Pillow was built without it.
    """
    named = ENDINGS.get(name.lower().rpartition(".")[2])
    kind = read_kind(head) or named
    if kind == ARCHIVE and named in (SVG, LAYERS):  # these are archives themselves
        kind = named
    if kind == TIFF and named:  # so do most raw files begin
        kind = named
    return None if kind == AVIF and features.check("avif") else kind


def read_kind(head: bytes) -> str | None:
    """Return the kind that a file's first bytes tell: what a telephone calls .jpg may be HEIC."""
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand:
        if brand in HEIC_BRANDS:
            return HEIC
        return AVIF if brand in (b"avif", b"avis") else VIDEO
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return PAGE
    if start.startswith(b"<svg") or (
        start.startswith((b"<?xml", b"<!doctype svg", b"<!--")) and b"<svg" in start
    ):
        return SVG
    known = {b"PK\x03\x04": ARCHIVE, b"\x1f\x8b": ARCHIVE, b"7z\xbc\xaf": ARCHIVE, b"Rar!": ARCHIVE}
    known |= {b"PAR1": TABLE, b"ARROW1": TABLE, b"%PDF": "a PDF", b"\x93NUMPY": "a NumPy file"}
    known |= {b"\xff\x0a": JXL, b"\0\0\0\x0cJXL ": JXL, b"%!PS": PROGRAM, b"gimp xcf": LAYERS}
    known |= {b"II*\0": TIFF, b"MM\0*": TIFF}
    known |= {b"version https://git-lfs.github.com/spec/": POINTER}
    known |= {b"\x1aE\xdf\xa3": VIDEO, b"\x89HDF": "HDF5 or MATLAB"}
    return next((kind for magic, kind in known.items() if head.startswith(magic)), None)


def explain_kind(kind: str) -> str:
    """Return why a file of that kind is left out, and what to do."""
    return f"{kind} is not read: {ADVICE[kind]}"
