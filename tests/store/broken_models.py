"""Models of a store in a folder that are broken in what tells of them, as hands and disks break things."""

import os
from collections.abc import Callable
from pathlib import Path

from foundation.store import FolderStore, promote
from tests.store.releases import publish_bytes

ALIASES = "aliases.json"
MANIFEST = "versions/v1/manifest.json"


def add_broken_model(root: Path, kind: str) -> str:
    """Publish a model that is broken in one way; return its name."""
    name = f"broken-{kind}"
    publish_bytes(FolderStore(root), name=name)
    promote(FolderStore(root), name, "v1")
    KINDS[kind](root / name)
    return name


def _write(path: str, content: bytes) -> Callable[[Path], None]:
    def write(model: Path) -> None:
        (model / path).write_bytes(content)

    return write


def _loop(path: str) -> Callable[[Path], None]:
    def link(model: Path) -> None:
        (model / path).rename(model / "moved")
        (model / path).symlink_to(model / path)

    return link


def _folder(path: str) -> Callable[[Path], None]:
    def replace(model: Path) -> None:
        (model / path).unlink()
        (model / path).mkdir()

    return replace


def _pipe(path: str) -> Callable[[Path], None]:
    def replace(model: Path) -> None:
        (model / path).unlink()
        os.mkfifo(model / path)

    return replace


def _gigabyte(path: str) -> Callable[[Path], None]:
    def grow(model: Path) -> None:
        os.truncate(model / path, 2**30)  # zeros that take no room on the disk

    return grow


KINDS: dict[str, Callable[[Path], None]] = {
    "no-json": _write(ALIASES, b"{"),
    "empty": _write(ALIASES, b""),
    "null": _write(ALIASES, b"null"),
    "list": _write(ALIASES, b'["production"]'),
    "number": _write(ALIASES, b'{"production": 7}'),
    "text": _write(ALIASES, b'{"production": "v1"}'),
    "version-number": _write(ALIASES, b'{"production": {"version": 1}}'),
    "name": _write(ALIASES, b'{"../production": {"version": "v1"}}'),
    "latin-1": _write(ALIASES, b'{"produc\xe9": {"version": "v1"}}'),
    "utf-16": _write(ALIASES, '{"production": {"version": "v1"}}'.encode("utf-16")),
    "deep": _write(ALIASES, b"[" * 100_000),
    "deep-object": _write(ALIASES, b'{"a":' * 100_000),
    "many-errors": _write(ALIASES, b"{" + b",".join(b'"a%d":{}' % n for n in range(100_000)) + b"}"),
    "huge": _gigabyte(ALIASES),
    "folder": _folder(ALIASES),
    "pipe": _pipe(ALIASES),
    "link-loop": _loop(ALIASES),
    "versions-loop": _loop("versions"),
    "missing-version": _write(ALIASES, b'{"production": {"version": "v9"}}'),
}
"""What is wrong with the aliases, or with the folder of the versions."""


def _replace(path: str, old: bytes, new: bytes) -> Callable[[Path], None]:
    def replace(model: Path) -> None:
        content = (model / path).read_bytes()
        assert old in content
        (model / path).write_bytes(content.replace(old, new))

    return replace


MANIFESTS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no-json": (_write(MANIFEST, b"\xff{"), r"manifest\.json is not valid"),
    "null": (_write(MANIFEST, b"null"), r"manifest\.json is not valid"),
    "deep": (_write(MANIFEST, b"[" * 100_000), r"manifest\.json is not valid"),
    "huge": (_gigabyte(MANIFEST), r"manifest\.json has more than 4,194,304 bytes"),
    "pipe": (_pipe(MANIFEST), r"manifest\.json is no plain file"),
    "newer": (_replace(MANIFEST, b'"schema_version": 1', b'"schema_version": 2'), "upgrade Ganymede"),
    "wrong-means": (
        _replace(MANIFEST, b'"mean": null', b'"mean": [' + b'"",' * 1_000_000 + b'""]'),
        r"manifest\.json is not valid",
    ),
    "graph-folder": (_folder("versions/v1/generator.onnx"), r"generator\.onnx is a folder"),
    "graph-pipe": (_pipe("versions/v1/generator.onnx"), r"generator\.onnx is no plain file"),
    "graph-loop": (_loop("versions/v1/generator.onnx"), r"generator\.onnx cannot be read"),
}
"""What is wrong with v1's manifest or graph, and what is said of it."""
