"""Releases that must never be served, each published as a careless or hostile tool might."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.manifest import Manifest
from foundation.store import FolderStore, describe_file
from tests.tiny_models import TinyModel, publish_tiny_model, tiny_graph

GRAPH = "generator.onnx"


def publish_bad(root: Path, version: str, kind: str) -> None:
    """Publish `grey`@`version`, bad in one way."""
    KINDS[kind](root, version)


def _publish(root: Path, version: str) -> Path:
    publish_tiny_model(root, TinyModel(version=version, weight_seed=9), alias=None)
    return root / "grey" / "versions" / version


def _publish_graph(root: Path, version: str, graph: bytes) -> None:
    """A release that is consistent, sums and all, but for what its graph is."""
    folder = _publish(root, version)
    (folder / GRAPH).write_bytes(graph)
    manifest = FolderStore(root).manifest("grey", version)
    _write_manifest(folder, manifest.model_copy(update={"files": (describe_file(folder / GRAPH),)}))


def _write_manifest(folder: Path, manifest: Manifest) -> None:
    (folder / "manifest.json").write_text(manifest.model_dump_json())


def _cut_off(root: Path, version: str) -> None:
    os.truncate(_publish(root, version) / GRAPH, 100)


def _altered(root: Path, version: str) -> None:
    path = _publish(root, version) / GRAPH
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _missing(root: Path, version: str) -> None:
    (_publish(root, version) / GRAPH).unlink()


def _no_graph(root: Path, version: str) -> None:
    _publish_graph(root, version, b"this is no graph")


def _wrong_shape(root: Path, version: str) -> None:
    _publish_graph(root, version, tiny_graph(TinyModel(side=9)))


def _lying_shape(root: Path, version: str) -> None:
    model = onnx.load_model_from_string(tiny_graph(TinyModel()))
    for tensor in model.graph.initializer:
        if tensor.name == "shape":
            tensor.CopyFrom(numpy_helper.from_array(np.array([-1, 4, 16, 1]), "shape"))
    _publish_graph(root, version, model.SerializeToString())


def _not_a_number(root: Path, version: str) -> None:
    model = onnx.load_model_from_string(tiny_graph(TinyModel(weight_seed=9)))
    for tensor in model.graph.initializer:
        if tensor.name == "kernel":
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) * float("nan"), "kernel"))
    _publish_graph(root, version, model.SerializeToString())


def _other_pictures(root: Path, version: str) -> None:
    _publish_graph(root, version, tiny_graph(TinyModel(weight_seed=10)))


def _unknown_schema(root: Path, version: str) -> None:
    path = _publish(root, version) / "manifest.json"
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))


def _external_data(root: Path, version: str) -> None:
    model = onnx.load_model_from_string(tiny_graph(TinyModel(weight_seed=9)))
    kernel = model.graph.initializer[0]
    kernel.ClearField("raw_data")
    kernel.data_location = TensorProto.EXTERNAL
    kernel.external_data.add(key="location", value="../../../../etc/passwd")
    _publish_graph(root, version, model.SerializeToString())


def _custom_operator(root: Path, version: str) -> None:
    model = onnx.load_model_from_string(tiny_graph(TinyModel(weight_seed=9)))
    model.graph.node[1].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    _publish_graph(root, version, model.SerializeToString())


def _ten_gigabytes(root: Path, version: str) -> None:
    folder = _publish(root, version)
    manifest = FolderStore(root).manifest("grey", version)
    os.truncate(folder / GRAPH, 10 * 2**30)  # zeros that take no room on the disk
    file = manifest.files[0].model_copy(update={"size_bytes": 10 * 2**30})
    _write_manifest(folder, manifest.model_copy(update={"files": (file,)}))


KINDS: dict[str, Callable[[Path, str], None]] = {
    "cut-off": _cut_off,
    "altered": _altered,
    "missing": _missing,
    "no-graph": _no_graph,
    "wrong-shape": _wrong_shape,
    "lying-shape": _lying_shape,
    "not-a-number": _not_a_number,
    "other-pictures": _other_pictures,
    "unknown-schema": _unknown_schema,
    "external-data": _external_data,
    "custom-operator": _custom_operator,
    "ten-gigabytes": _ten_gigabytes,
}
REASONS = {
    "cut-off": "generator.onnx should have",
    "altered": "generator.onnx does not match its sha256",
    "missing": "the file generator.onnx is missing",
    "no-graph": "generator.onnx is not an ONNX graph",
    "wrong-shape": "has the shape",
    "lying-shape": "generator.onnx",
    "not-a-number": "golden check failed",
    "other-pictures": "golden check failed",
    "unknown-schema": "schema_version is 2",
    "external-data": "keeps 'kernel' in another file",
    "custom-operator": "custom operator com.example::",
    "ten-gigabytes": "has 10,737,418,240 bytes",
}
