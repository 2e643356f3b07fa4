"""Sets and files that are not there: what was probably meant, by what lies beside them."""

import difflib
from collections.abc import Iterable
from pathlib import Path

from foundation.home import expand_home
from training.data.unsupported import explain_kind, find_kind

MOST_BESIDE = 10_000
"""So many names in a folder are looked through."""
LIKE = 0.6
PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".avif"})


def explain_unknown(data: str, sources: Iterable[str]) -> str:
    """Return why `data` names no set of pictures, and what to write: `sources` are the names and schemes."""
    scheme, colon, value = data.partition(":")
    said = f"There is no data set '{data}'."
    near = difflib.get_close_matches(scheme.lower(), list(sources), n=1, cutoff=LIKE)
    if colon:
        meant = f"{near[0]}:{value}" if near else f"folder:{value}"
        return f"{said} Did you mean '{meant}'?"
    path = expand_home(data)
    if path.is_dir():
        return f"{said} There is a folder of that name, and a folder of pictures is written 'folder:{data}'."
    if path.is_file():
        return f"{said} There is a file of that name: {explain_file(data, path)}."
    if near and near[0] not in ("folder", "idx", "npz", "s3"):
        return f"{said} Did you mean '{near[0]}'?"
    here = f"A folder of pictures is written 'folder:PATH', and there is no folder {data} here"
    beside = find_beside(path, folders=True)
    if beside:
        return f"{said} {here}. Did you mean 'folder:{beside}'?"
    return f"{said} {here}. There are the sets and kinds {', '.join(sources)}."


def explain_file(data: str, path: Path) -> str:
    """Return how a file's pictures are learnt from."""
    suffix = path.suffix.lower()
    if suffix == ".npz":
        return f"an archive of NumPy's is written 'npz:{data}'"
    if "idx" in suffix or "ubyte" in path.name:
        return f"a file in the IDX format is written 'idx:{data}'"
    if suffix in PICTURES:
        return f"a set is a folder of pictures, such as 'folder:{path.parent}'"
    kind = find_kind(path.name)
    return explain_kind(kind) if kind else "a set is a folder of pictures, written 'folder:PATH'"


def explain_missing(path: Path, *, folders: bool) -> str:
    """Return that a folder, or a file, is missing, with the name beside it that is most like it."""
    beside = find_beside(path, folders=folders)
    return f"{path} is missing.{f' Did you mean {beside}?' if beside else ''}"


def find_beside(path: Path, *, folders: bool) -> Path | None:
    """Return what lies beside a path that is not there and has a name like it, if something does."""
    try:
        entries = (entry for _, entry in zip(range(MOST_BESIDE), path.parent.iterdir(), strict=False))
        names = {entry.name: entry for entry in entries if entry.is_dir() == folders}
    except OSError:
        return None
    names = {name.lower(): entry for name, entry in names.items() if not name.startswith(".")}
    near = difflib.get_close_matches(path.name.lower(), list(names), n=1, cutoff=LIKE)
    return names[near[0]] if near else None
