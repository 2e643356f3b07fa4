"""Folders of classes that may not be what a person thinks they are: names that look the same, empty ones."""

import os
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from training.data.layout import CLUTTER_FOLDERS, Grouped
from training.data.listing import is_folder
from training.data.order import sort_naturally

MOST_NAMED = 5


def note_twins(groups: Iterable[str | None]) -> tuple[str, ...]:
    """Return a sentence on classes whose names a person takes for one: in case, accents' form or zeros alone.

    macOS writes an accent apart from its letter (Unicode's NFD), and Linux keeps both spellings.
    """
    alike: dict[str, list[str]] = {}
    for name in sort_naturally({group for group in groups if group}):
        alike.setdefault(plain(name), []).append(name)
    twins = [names for names in alike.values() if len(names) > 1]
    if not twins:
        return ()
    named = "; ".join(" and ".join(map(ascii, names)) for names in twins[:MOST_NAMED])
    more = f" and {len(twins) - MOST_NAMED} more" if len(twins) > MOST_NAMED else ""
    said = f"Classes with names that look the same are classes apart: {named}{more}."
    return (f"{said} If one is meant, move their pictures into one folder.",)


def plain(name: str) -> str:
    """Return a name without what a person overlooks."""
    return re.sub(r"(?<![\d.,])0+(?=\d)", "", unicodedata.normalize("NFKC", name).casefold().strip())


def note_empty(folder: Path, grouped: Grouped) -> tuple[str, ...]:
    """Return a sentence on folders without a file beside those of classes: they are no classes.

    A class's number is its place among those that are there, so that an empty one moves those behind it.
    """
    places: dict[str, str] = {}  # where each class's folder lies
    for name, group in grouped:
        if group and group not in places:
            places[group] = name[: f"/{name}".index(f"/{group}/")]
    empty: set[str] = set()
    for place in set(places.values()):
        with suppress(OSError), os.scandir(folder / place) as entries:
            empty |= {entry.name for entry in entries if is_folder(entry) and is_visible(entry.name)}
    empty -= set(places)
    return name_missing(sort_naturally(empty))


def name_missing(names: list[str]) -> tuple[str, ...]:
    """Return that these are no classes, as they hold no picture; nothing where there are none."""
    if not names:
        return ()
    shown = ", ".join(map(ascii, names[:MOST_NAMED]))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return (f"Without a picture, and so no classes: {shown}{more}; the classes behind them move up.",)


def is_visible(name: str) -> bool:
    """Say whether a folder may be one of the set's."""
    return not name.startswith(".") and name.lower() not in CLUTTER_FOLDERS
