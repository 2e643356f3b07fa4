"""The source `folder:PATH`: any pictures that Pillow reads; two or more subfolders are classes."""

import hashlib
import json
from functools import partial
from pathlib import Path

from foundation.home import expand_home
from training.data.cache import prepared_entry
from training.data.decoding import PictureFile, write_pictures
from training.data.listing import list_names, open_file, show_name, stamp
from training.data.pictures import Pictures, Request
from training.data.prepared import open_prepared
from training.errors import DataError

VERSION = 3
"""Of what is done to a picture before it is kept: a change makes what is kept of no use."""
MAX_CLASSES = 1000


def load_folder(request: Request) -> Pictures:
    """Prepare the pictures of a folder and its subfolders, once, and return them.

    Raises:
        DataError: there is no such folder, or no picture in it.
    """
    folder = expand_home(request.value) if request.value else request.folder
    if folder is None:
        raise DataError("Which folder? Name it: --data folder:PATH.")
    files = list_files(folder)
    entry = prepared_entry(
        entry_key(request, [str(folder.resolve()), *(stamp(folder / name) for name, _ in files)]),
        partial(
            write_pictures,
            files=[
                PictureFile(show_name(name), group, partial(open_file, folder / name))
                for name, group in files
            ],
            request=request,
            origin=str(folder),
        ),
    )
    return open_prepared(entry, request)


def list_files(folder: Path) -> list[tuple[str, str | None]]:
    """Return the names of the files in `folder`, sorted, with their classes; hidden ones are left out.

    Raises:
        DataError: there is no such folder, nothing in it, or too much.
    """
    names = list_names(folder)
    if not names:
        raise DataError(f"{folder} holds no files. Put pictures into it, or into a subfolder for each class.")
    return group_files(names, str(folder))


def is_hidden(name: str) -> bool:
    """Say whether a file, or a folder above it, is hidden: its name begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def group_files(names: list[str], origin: str) -> list[tuple[str, str | None]]:
    """Return each file's name and class: its first folder, if there are two such folders or more.

    A file that lies beside those folders has the class None; without such folders all have the class "".
    """
    classes = {name.partition("/")[0] for name in names if "/" in name}
    if len(classes) < 2:
        return [(name, "") for name in names]
    if len(classes) > MAX_CLASSES:
        raise DataError(
            f"{origin} holds {len(classes)} subfolders; each is a class, and at most {MAX_CLASSES} can be. "
            "Put all pictures into one folder to train without classes."
        )
    for name in classes:
        if show_name(name) != name:
            raise DataError(
                f"The name of the folder {show_name(name)} in {origin} is not UTF-8, and a class is called "
                "by it. Give the folder another name."
            )
    return [(name, name.partition("/")[0] if "/" in name else None) for name in names]


def entry_key(request: Request, stamps: list[str]) -> str:
    """Return the name of the entry for these files under these settings, hexadecimal."""
    settings = request.settings
    wanted = [VERSION, settings.size, settings.channels, settings.crop, *stamps]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:32]
