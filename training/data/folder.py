"""The source `folder:PATH`: any pictures that Pillow reads; two or more subfolders are classes.

`training.data.layout` says how a folder is understood that has parts, or folders around it.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from foundation.home import expand_home
from training.data.cache import prepared_entry
from training.data.class_folders import note_empty, note_twins
from training.data.decoding import PictureFile, write_pictures
from training.data.layout import Grouped, Layout, arrange
from training.data.listing import list_names, open_file, show_name, stamp
from training.data.pictures import Pictures, Request
from training.data.prepared import open_prepared
from training.errors import DataError

VERSION = 4
"""Of what is done to a picture before it is kept: a change makes what is kept of no use."""


def load_folder(request: Request) -> Pictures:
    """Prepare the pictures of a folder and its subfolders, once, and return them.

    Raises:
        DataError: there is no such folder, or no picture in it.
    """
    folder = expand_home(request.value) if request.value else request.folder
    if folder is None:
        raise DataError("Which folder? Name it: --data folder:PATH.")
    layout = list_files(folder)
    layout = replace(layout, notes=(*layout.notes, *note_empty(folder, layout.train)))

    def prepare(files: Grouped, part: Request) -> Pictures:
        entry = prepared_entry(
            entry_key(part, [str(folder.resolve()), *(stamp(folder / name) for name, _ in files)]),
            partial(
                write_pictures,
                files=[
                    PictureFile(show_name(name), group, partial(open_file, folder / name))
                    for name, group in files
                ],
                request=part,
                origin=str(folder),
            ),
        )
        return open_prepared(entry, part)

    return load_part(layout, request, prepare)


def load_part(layout: Layout, request: Request, prepare: Callable[[Grouped, Request], Pictures]) -> Pictures:
    """Return the asked split of a set that may have a test part of its own; `prepare` loads files.

    The classes of the test part have the numbers, and its pictures the colours, of the training part.
    """
    if request.split == "train":
        for note in (*layout.notes, *note_twins(group for _, group in layout.train)):
            request.console.print(note, highlight=False, soft_wrap=True, markup=False)
    if not layout.test:
        return prepare(layout.train, request)
    whole = request.with_nothing_held_out()
    if request.split == "train":
        return prepare(layout.train, whole)
    shape = prepare(layout.train, replace(whole, console=Console(quiet=True))).shape
    settings = whole.settings.model_copy(update={"size": shape.setting, "channels": shape.channels})
    names = shape.class_names
    files = [(name, group if not names or group in names else None) for name, group in layout.test]
    if not any(group is not None for _, group in files):
        return prepare(layout.train, whole)
    test = prepare(files, replace(whole, settings=settings))
    labels = np.zeros(len(test.labels), test.labels.dtype)
    if names:
        found = test.shape.class_names or (next(group for _, group in files if group),)
        labels = np.array([names.index(name) for name in found], test.labels.dtype)[test.labels]
    return Pictures(test.images, labels, shape, test.record)


def list_files(folder: Path) -> Layout:
    """Return how the files in `folder` lie, with their classes; hidden ones are left out.

    Raises:
        DataError: there is no such folder, nothing in it, or too much.
    """
    names = list_names(folder)
    if not names:
        raise DataError(f"{folder} holds no files. Put pictures into it, or into a subfolder for each class.")
    return arrange(names, str(folder))


def is_hidden(name: str) -> bool:
    """Say whether a file, or a folder above it, is hidden: its name begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def entry_key(request: Request, stamps: list[str]) -> str:
    """Return the name of the entry for these files under these settings, hexadecimal."""
    settings = request.settings
    wanted = [VERSION, settings.size, settings.channels, settings.crop, *stamps]
    return hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:32]
