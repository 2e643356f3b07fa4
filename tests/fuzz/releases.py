"""What reads releases: manifests, aliases, graphs, directions, golden pictures; and what writes of them."""

import io
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from foundation.errors import InvalidField, ReleaseRefused
from foundation.graphs.content import check_graph
from foundation.manifest import REFERENCE_GRAPH, File, Manifest
from foundation.store import FolderStore
from foundation.store.aliases import Aliases
from foundation.store.publication import entry_of, parse_manifest
from ganymede.imports.graph import ImportRefused
from ganymede.imports.release import prepare_release
from ganymede.imports.wishes import Wishes
from service.encoding.provenance import Provenance
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.releases.golden import check_golden
from service.releases.sizes import check_budget
from service.requests.directions import Directions, read_directions
from service.requests.first_layer import FirstLayer
from tests.fuzz.target import Target
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph

CLASSES = ("circle", "square", "star")
MODEL = TinyModel(name="grey", classes=CLASSES)


@cache
def describe_release() -> Manifest:
    """A manifest with classes and directions."""
    with tempfile.TemporaryDirectory() as folder:
        manifest = publish_tiny_model(Path(folder), MODEL)
    directions = File(path="directions.npz", size_bytes=1, sha256="0" * 64)
    return manifest.model_copy(update={"files": (*manifest.files, directions)})


class OneFile(FolderStore):
    """A store whose every file has the same content."""

    def __init__(self, content: bytes) -> None:
        super().__init__(Path("nowhere"))
        self._content = content

    def read(self, *_: Any, **__: Any) -> bytes:
        """The content."""
        return self._content


def read_manifest(content: bytes) -> None:
    """As a store does, with the limits that are checked before a graph is read."""
    manifest = parse_manifest(content, "grey", "v1")
    check_budget(manifest, entry_of(manifest, REFERENCE_GRAPH))


def read_aliases(content: bytes) -> None:
    """As a store does, and one that was moved is written again."""
    Aliases.from_json(content, "1", "aliases.json").moved("production", "v2").to_json()


def read_foreign_graph(content: bytes) -> None:
    """As `ganymede import` does, up to the release that it would publish."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generator.onnx"
        path.write_bytes(content)
        prepare_release(path, Wishes(), Path(folder), name="grey", version="v1", licence="MIT")


def cut_graph(content: bytes) -> None:
    """As `ganymede directions` does with a graph that was let pass."""
    check_graph(content, "grey@v1", "generator.onnx")
    FirstLayer(content)


def read_golden(content: bytes) -> None:
    """Golden pictures beside a graph that answers otherwise."""
    manifest = describe_release()
    golden = manifest.golden.model_copy(update={"sha256": "0" * 64})
    check_golden(manifest.model_copy(update={"golden": golden}), _open_generator(), content)


@cache
def _open_generator() -> Generator:
    return Generator(describe_release(), tiny_graph(MODEL), cpu_device(1))


def write_xmp(content: bytes) -> None:
    """Names of classes are the publisher's; what is written of them must stay XML."""
    text = content.decode("utf-8", "replace")
    packet = Provenance("grey@v1", (1,), (text,), 0.5, {"mix": [text]}).xmp()
    ElementTree.fromstring(packet.decode())


def seed_directions() -> list[bytes]:
    """Directions of the release's size."""
    vectors = np.eye(2, 6, dtype=np.float32)
    return [Directions(vectors, np.ones(2, np.float32), ("0", "smile")).to_bytes()]


def seed_golden() -> list[bytes]:
    """Pictures in NumPy's format."""
    file = io.BytesIO()
    np.save(file, np.zeros((4, 8, 8, 1), np.uint8))
    return [file.getvalue()]


def seed_foreign_graphs() -> list[bytes]:
    """What PyTorch exports."""
    return [(Path(__file__).parents[1] / "store" / "exports" / "conditional.onnx").read_bytes()]


RELEASE_TARGETS = (
    Target(
        "manifest",
        read_manifest,
        (ReleaseRefused,),
        lambda: [describe_release().model_dump_json().encode()],
        json=True,
    ),
    Target(
        "aliases",
        read_aliases,
        (ReleaseRefused,),
        lambda: [b'{"production": {"version": "v1", "previous": null}, "next": {"version": "v2"}}'],
        json=True,
    ),
    Target(
        "graph",
        lambda content: check_graph(content, "grey@v1", "generator.onnx"),
        (ReleaseRefused,),
        lambda: [tiny_graph(MODEL)],
    ),
    Target("first-layer", cut_graph, (ReleaseRefused,), lambda: [tiny_graph(MODEL)]),
    Target("import", read_foreign_graph, (ReleaseRefused, ImportRefused), seed_foreign_graphs),
    Target(
        "directions",
        lambda content: read_directions(OneFile(content), describe_release()),
        (ReleaseRefused, InvalidField),
        seed_directions,
    ),
    Target("golden", read_golden, (ReleaseRefused,), seed_golden),
    Target("xmp", write_xmp, (), lambda: [b"star & <bag>", "Füße\u200b".encode(), b"\x0b\x1b"]),
)
