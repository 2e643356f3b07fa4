"""What a graph may contain: it is looked through before ONNX Runtime may open it."""

from collections.abc import Iterable, Iterator

import onnx

from service.errors import ReleaseRefused
from service.manifest import File, Manifest

MAX_GRAPH_BYTES = 2**31 - 1
"""Protobuf's own limit: a larger graph keeps its weights in other files, which no release may."""
MAX_GOLDEN_BYTES = 2**29
"""Of the images that a golden check generates."""

ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""ONNX's own operators, and those built into ONNX Runtime; any other needs a library of its own."""


def check_budget(manifest: Manifest, graph: File, *, max_graph_bytes: int = MAX_GRAPH_BYTES) -> None:
    """Refuse by its manifest a release that is too large, before anything of it is read.

    Raises:
        ReleaseRefused: the graph, or the images of its golden check, would be larger than they may be.
    """
    limit_bytes = min(max_graph_bytes, MAX_GRAPH_BYTES)
    if graph.size_bytes > limit_bytes:
        raise ReleaseRefused(
            f"{manifest.reference}: {graph.path} has {graph.size_bytes:,} bytes, and {limit_bytes:,} "
            "are allowed."
        )
    image = manifest.image
    golden_bytes = len(manifest.golden.seeds) * image.height * image.width * image.channels
    if golden_bytes > MAX_GOLDEN_BYTES:
        raise ReleaseRefused(
            f"{manifest.reference}: the golden check makes {golden_bytes:,} bytes of images, "
            f"and {MAX_GOLDEN_BYTES:,} are allowed; record it with fewer seeds."
        )


def check_graph(content: bytes, reference: str, path: str) -> None:
    """Look through a graph for what no release may contain; nothing else is read or run.

    Raises:
        ReleaseRefused: it is no ONNX graph, keeps tensors in other files, or uses operators that are
            neither ONNX's nor ONNX Runtime's; the message names the file.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's exceptions depend on which of its implementations is in use
        raise ReleaseRefused(f"{reference}: {path} is not an ONNX graph.") from error
    if not model.graph.node:
        raise ReleaseRefused(f"{reference}: {path} is not an ONNX graph: it has no operators.")
    known = {(function.domain, function.name) for function in model.functions}
    for nodes, tensors in _parts(model):
        for tensor in tensors:
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise ReleaseRefused(
                    f"{reference}: {path} keeps {tensor.name!r} in another file; "
                    "a release's graph holds all its weights itself."
                )
        for node in nodes:
            if node.domain not in ALLOWED_DOMAINS and (node.domain, node.op_type) not in known:
                raise ReleaseRefused(
                    f"{reference}: {path} uses the custom operator {node.domain}::{node.op_type}, "
                    "which needs a library of its own."
                )


def _parts(model: onnx.ModelProto) -> Iterator[tuple[Iterable[onnx.NodeProto], Iterable[onnx.TensorProto]]]:
    """Nodes and tensors of the graph, its functions, and every graph within an attribute of a node."""
    waiting = [(model.graph.node, _tensors(model.graph)), *((each.node, []) for each in model.functions)]
    while waiting:
        nodes, tensors = waiting.pop()
        attributes = [attribute for node in nodes for attribute in node.attribute]
        within = [
            tensor
            for attribute in attributes
            for tensor in (
                attribute.t,
                *attribute.tensors,
                *_dense((attribute.sparse_tensor, *attribute.sparse_tensors)),
            )
        ]
        yield nodes, [*tensors, *within]
        waiting.extend(
            (graph.node, _tensors(graph))
            for attribute in attributes
            for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs)
        )


def _tensors(graph: onnx.GraphProto) -> list[onnx.TensorProto]:
    return [*graph.initializer, *_dense(graph.sparse_initializer)]


def _dense(sparse: Iterable[onnx.SparseTensorProto]) -> Iterator[onnx.TensorProto]:
    for tensor in sparse:
        yield tensor.values
        yield tensor.indices
