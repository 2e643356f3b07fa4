"""The source `npz:PATH`: a NumPy archive with `images`, and `labels` and `class_names` if there are any.

The names of Keras's archives serve too (`x_train`, `y_train`, `x_test`, `y_test`), and MedMNIST's
(`train_images`, `train_labels`, `test_images`, `test_labels`); `val_images` only where there is no test part.
"""

import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from foundation.home import expand_home
from training.data.arrays import PictureArray, load_array
from training.data.listing import open_file, stamp
from training.data.pictures import Pictures, Request, Split
from training.data.unknown import explain_missing
from training.errors import DataError

NAMES: dict[Split, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "train": (
        ("images", "x_train", "train_images", "X_train", "x", "arr_0"),
        ("labels", "y_train", "train_labels", "Y_train", "y", "arr_1"),
    ),
    "test": (
        ("test_images", "x_test", "X_test", "val_images", "x_val", "X_val"),
        ("test_labels", "y_test", "Y_test", "val_labels", "y_val", "Y_val"),
    ),
}
CLASS_NAMES = "class_names"
MAX_LABEL_BYTES = 2**28
MAX_HEADER_BYTES = 2**16
UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,  # an array that is not stored as NumPy stores it
    NotImplementedError,  # a way to compress that Python does not know
    OSError,
    RuntimeError,  # it is encrypted
    SyntaxError,  # a header that is no expression, which NumPy lets Python read
    ValueError,
    tokenize.TokenError,
)


def load_npz(request: Request) -> Pictures:
    """Prepare the pictures of an archive, once, and return them; raise DataError where it holds none."""
    path = expand_home(request.value) if request.value else request.folder
    if path is None:
        raise DataError("Which file? Name it: --data npz:PATH.")
    try:
        with open_file(path) as stream, zipfile.ZipFile(stream) as archive:
            members = {name.removesuffix(".npy") for name in archive.namelist()}
            array = describe_array(path, archive, members, request.split)
            require_whole(path, archive, array)
    except FileNotFoundError as error:
        raise DataError(explain_missing(path, folders=False)) from error
    except UNREADABLE as error:
        if is_one_array(path):
            raise DataError(
                f"{path} is one array of NumPy's and no archive. Make one of it: "
                "numpy.savez('set.npz', images=numpy.load('FILE.npy'))."
            ) from error
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise DataError(f"{path} is not a NumPy archive that can be read: {why}.") from error
    return load_array(array, request, [str(path.resolve()), stamp(path)])


def is_one_array(path: Path) -> bool:
    """Say whether a file is one array, as `numpy.save` writes it (NEP 1)."""
    try:
        with open_file(path) as stream:
            return stream.read(len(npy.MAGIC_PREFIX)) == npy.MAGIC_PREFIX
    except OSError:
        return False


def describe_array(path: Path, archive: zipfile.ZipFile, members: set[str], split: Split) -> PictureArray:
    """Return the pictures of a split, or of the whole where there are no test pictures."""
    test_images, _ = NAMES["test"]
    own_split = not members.isdisjoint(test_images)
    image_names, label_names = NAMES[split if own_split else "train"]
    image_name = next((name for name in image_names if name in members), None)
    if image_name is None:
        raise DataError(
            f"{path} holds {', '.join(sorted(members)) or 'nothing'}; the pictures are looked for as "
            f"{', '.join(image_names)}."
        )
    wanted = label_names[image_names.index(image_name)]
    # Names may be mixed, but one part's labels are never taken for another's pictures.
    others = [name for name in label_names if ("val" in name) == ("val" in wanted)]
    label_name = next((name for name in (wanted, *others) if name in members), None)
    with archive.open(f"{image_name}.npy") as stream:
        shape, dtype, by_columns = read_header(stream)
    if dtype != np.uint8 or by_columns:
        raise DataError(
            f"{image_name} in {path} is {dtype}{' in the order of Fortran' if by_columns else ''}; pictures "
            f"are uint8, 0 to 255, in the order of C. {advise_pixels(dtype)}"
        )
    return PictureArray(
        name=f"{path}:{image_name}",
        shape=shape,
        open=partial(open_array, path, f"{image_name}.npy"),
        labels=read_member(archive, label_name) if label_name else None,
        class_names=read_names(archive) if CLASS_NAMES in members else (),
        own_split=own_split,
    )


def advise_pixels(dtype: np.dtype[Any]) -> str:
    """Return what makes pictures of an array of this type without wrapping or clipping what is in it."""
    share = np.iinfo(dtype).max // 255 if dtype.kind == "u" else 1
    ways = {
        "O": "numpy.stack(images), once all are of one size",
        "b": "images * numpy.uint8(255)",
        "f": "(images * 255).round() if they are from 0 to 1, ((images + 1) * 127.5).round() if from -1 to 1",
        "u": f"images // {share} if they use all of its range",
    }
    first = ways.get(dtype.kind)
    if dtype == np.uint8 or first is None:
        return "Convert them with numpy.ascontiguousarray(images, 'uint8'), once they are from 0 to 255."
    return f"Convert them with {first}, and then numpy.ascontiguousarray(images, 'uint8')."


def require_whole(path: Path, archive: zipfile.ZipFile, array: PictureArray) -> None:
    """Raise DataError where an archive's member is not as long as its header says, before room is made."""
    member = archive.getinfo(f"{array.name.rpartition(':')[2]}.npy")
    announced = math.prod(array.shape)
    if not 0 <= member.file_size - announced <= MAX_HEADER_BYTES:
        raise DataError(
            f"{path} is damaged: {member.filename} has {member.file_size} bytes and announces {announced} "
            "of pictures. Fetch the file again."
        )


def read_names(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Read the classes' names; raise ValueError where they are no list of words."""
    names = read_member(archive, CLASS_NAMES)
    if names.ndim != 1:
        raise ValueError(f"{CLASS_NAMES} has the shape {names.shape}, and is a list of names")
    return tuple(name.decode("utf-8") if isinstance(name, bytes) else str(name) for name in names.tolist())


@contextmanager
def open_array(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open an archive's member where its array begins."""
    with zipfile.ZipFile(path) as archive, archive.open(member) as stream:
        read_header(stream)
        yield stream


def read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Read the header of an array: its shape, its type, and whether its first index runs fastest."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, by_columns, dtype = read(stream)
    return shape, dtype, by_columns


def read_member(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read a small array whole; raise ValueError where it is not small, or holds Python's objects."""
    member = f"{name}.npy"
    if archive.getinfo(member).file_size > MAX_LABEL_BYTES:
        raise ValueError(f"{name} is larger than {MAX_LABEL_BYTES} bytes")
    with archive.open(member) as stream:
        if read_header(stream)[1].hasobject:
            raise ValueError(
                f"{name} holds Python's objects, which may run code and are not read: save it as "
                f"numpy.array({name}.tolist())"
            )
    with archive.open(member) as stream:
        array: NDArray[Any] = npy.read_array(stream, allow_pickle=False)
    return array
