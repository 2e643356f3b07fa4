"""How the files of a set lie: what is its training part, what its test part, and which class each is of.

Sets from elsewhere come as `archive/train/cat/1.jpg`, with `val` and `test` beside `train`, and with what a
system or a packer left between. The classes are the folders below all that.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from training.data.listing import show_name
from training.errors import DataError

MAX_CLASSES = 1000
TAILS = ("", "set", "data", "dataset", "images", "imgs", "pictures", "split", "part")
TRAIN_NAMES = frozenset(f"{name}{tail}" for name in ("train", "training", "trn") for tail in TAILS)
TEST_NAMES = frozenset(
    f"{name}{tail}" for name in ("test", "tests", "testing", "tst", "holdout", "heldout") for tail in TAILS
)
VALIDATION_NAMES = frozenset(
    f"{name}{tail}"
    for name in ("val", "valid", "validate", "validation", "dev", "eval", "evaluation")
    for tail in TAILS
)
CLUTTER = frozenset({"thumbs.db", "desktop.ini", "icon\r", "ehthumbs.db"})
"""Files that systems leave between pictures; those whose names begin with a dot are never listed."""
CLUTTER_FOLDERS = frozenset({"__macosx", "@eadir", "$recycle.bin", "system volume information"})
NO_PICTURES = (
    frozenset({"csv", "tsv", "txt", "json", "jsonl", "xml", "md", "yaml", "yml", "html", "htm", "pdf"})
    | {"ipynb", "doc", "docx", "xls", "xlsx", "rtf", "pkl", "pickle", "names", "cfg", "ini", "log", "py"}
    | {"mat", "license", "readme"}
)
"""What lies beside pictures and makes no folder one of a class or a part."""
TABLES = ("csv", "tsv", "xlsx", "jsonl")

Grouped = list[tuple[str, str | None]]
"""Names of files with their classes: None where it is in no class's folder, "" without classes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a set, each file with its name as it was given."""

    train: Grouped
    test: Grouped
    """Empty where the set has no part of its own to be measured with: some is held out then."""
    notes: tuple[str, ...] = ()
    """What a person should know of how it was understood, sentences."""


def arrange(names: Iterable[str], origin: str) -> Layout:
    """Return how the files of the set at `origin` are understood.

    Raises:
        DataError: there are more classes than any preset takes, or one whose name cannot be written.
    """
    kept = [name for name in names if not is_clutter(name)]
    prefix = find_wrapping(kept)
    parts = split_parts(kept, prefix)
    if parts is None:
        grouped = group_files(kept, origin, prefix)
        return Layout(grouped, [], note_tables(kept) if has_no_classes(grouped) else ())
    train = join_parts(parts, origin)
    classes = {group for _, group in train if group}
    notes: list[str] = []
    for kind in (TEST_NAMES, VALIDATION_NAMES):
        names_of_kind = ", ".join(name for name in parts if is_of(name, kind))
        test = find_classes(parts, kind, classes)
        if not test:
            continue
        if all(group is None for _, group in test):
            notes.append(f"'{names_of_kind}' has none of the classes of the training part and is left out.")
            continue
        if kind is TEST_NAMES and any(is_of(name, VALIDATION_NAMES) for name in parts):
            notes.append(f"'{names_of_kind}' is kept for the figures, and the validation part is not used.")
        return Layout(train, test, tuple(notes))
    return Layout(train, [], tuple(notes))


def is_clutter(name: str) -> bool:
    """Say whether a file is none of the set's, but something that a system or a packer left there."""
    *folders, file = name.lower().split("/")
    return file in CLUTTER or not CLUTTER_FOLDERS.isdisjoint(folders)


def may_be_picture(name: str) -> bool:
    """Say whether a file's name does not rule out that it is a picture."""
    file = name.rpartition("/")[2].lower()
    return file.rpartition(".")[2] not in NO_PICTURES


def find_wrapping(names: list[str]) -> str:
    """Return the folders around the whole set, `archive/pictures/`: each the only thing in the one above.

    A folder that holds pictures itself wraps nothing further.
    """
    pictures = [name for name in names if may_be_picture(name)]
    prefix = ""
    while True:
        tops = {name[len(prefix) :].partition("/")[:2] for name in pictures}
        if len(tops) != 1:
            return prefix
        top, slash = tops.pop()
        if not slash:
            return prefix
        prefix += f"{top}/"


def split_parts(names: list[str], prefix: str) -> dict[str, list[str]] | None:
    """Return the files of each part by its folder's name and a slash, behind `prefix`; None without parts.

    There are parts where every folder is called like one, one of them like a training part, in any case.
    """
    tops: dict[str, list[str]] = {}
    for name in names:
        top, slash, _ = name.removeprefix(prefix).partition("/")
        if slash and name.startswith(prefix):
            tops.setdefault(top, []).append(name)
        elif may_be_picture(name):
            return None
    parts = {f"{prefix}{top}/": files for top, files in tops.items() if any(map(may_be_picture, files))}
    known = TRAIN_NAMES | TEST_NAMES | VALIDATION_NAMES
    if len(parts) < 2 or not all(is_of(name, known) for name in parts):
        return None
    return parts if any(is_of(name, TRAIN_NAMES) for name in parts) else None


def is_of(name: str, kind: frozenset[str]) -> bool:
    """Say whether a part's folder, `archive/Train_set/`, is called like one of a kind."""
    bare = name.removesuffix("/").rpartition("/")[2].lower()
    return re.sub(r"(^\d+|[^a-z]|(images|pictures|photos|imgs)$)", "", bare) in kind


def find_classes(parts: dict[str, list[str]], kind: frozenset[str], classes: set[str]) -> Grouped:
    """Return the files of all parts of a kind, each of the class among `classes` whose folder it lies in."""
    grouped: Grouped = []
    for part, files in parts.items():
        if is_of(part, kind):
            for name in files:
                folders = name.removeprefix(part).split("/")[:-1]
                found = next((folder for folder in folders if folder in classes), None)
                grouped.append((name, found if classes else ""))
    return grouped


def join_parts(parts: dict[str, list[str]], origin: str) -> Grouped:
    """Return the files, with their classes, of all training parts."""
    grouped: Grouped = []
    for name, files in parts.items():
        if is_of(name, TRAIN_NAMES):
            inner = find_wrapping(files)
            grouped += group_files(files, origin, inner if inner.startswith(name) else name)
    return grouped


def group_files(names: list[str], origin: str, prefix: str = "") -> Grouped:
    """Return each file's name and class: its first folder behind `prefix`, if there are two or more.

    A file that lies beside those folders, or not behind `prefix` at all, has the class None; without such
    folders all have the class "".
    """
    tops = [
        name[len(prefix) :].partition("/")[:2] if name.startswith(prefix) else (name, "") for name in names
    ]
    classes = {top for top, slash in tops if slash}
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
    return [(name, top if slash else None) for name, (top, slash) in zip(names, tops, strict=True)]


def has_no_classes(grouped: Grouped) -> bool:
    """Say whether all files are of one class."""
    return all(group == "" for _, group in grouped)


def note_tables(names: list[str]) -> tuple[str, ...]:
    """Return what to do with a table of labels beside pictures: one sentence, or none."""
    table = next((name for name in names if name.lower().rpartition(".")[2] in TABLES), None)
    if table is None:
        return ()
    sentence = (
        f"{show_name(table)} looks like a table of labels. Classes are folders here: move each picture into "
        "a folder called as its class is, and there will be classes; as it is, there are none."
    )
    return (sentence,)
