"""What a graph may contain: it is looked through before ONNX Runtime may open it."""

import math
from collections.abc import Container, Iterable, Iterator, Sequence

import onnx

from foundation.errors import ReleaseRefused
from foundation.graphs.parts import check_wire

MAX_GRAPH_BYTES = 2**31 - 1
"""Protobuf's own limit: a larger graph keeps its weights in other files, which no release may."""
MAX_NODES = 100_000
"""Operators, those within other operators and within functions counted once each."""

MAX_SPARSE_NUMBERS = 2**26
"""Of a constant that is written down without its zeros, once they are back."""

ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
"""ONNX's own operators, and those built into ONNX Runtime; any other needs a library of its own."""


RANDOM_OPERATORS = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


def check_graph(content: bytes, reference: str, path: str) -> onnx.ModelProto:
    """Look through a graph for what no release may contain; nothing else is read or run. The graph, read.

    Raises:
        ReleaseRefused: it is no ONNX graph, keeps tensors in other files, claims larger ones than it holds,
            or uses operators that are neither ONNX's nor ONNX Runtime's; the message names the file.
    """
    check_wire(content, reference, path)
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's exceptions depend on which of its implementations is in use
        raise ReleaseRefused(f"{reference}: {path} is not an ONNX graph.") from error
    if not model.graph.node:
        raise ReleaseRefused(f"{reference}: {path} is not an ONNX graph: it has no operators.")
    known = {(function.domain, function.name) for function in model.functions}
    try:
        _check_parts(model, known, reference, path)
    except _TooSparse as error:
        raise ReleaseRefused(f"{reference}: {path}: {error}.") from None
    except ReleaseRefused:
        raise
    except Exception as error:  # names that are no text, types that there are none of
        raise ReleaseRefused(f"{reference}: {path} is not an ONNX graph: {str(error)[:200]}.") from error
    return model


def _check_parts(
    model: onnx.ModelProto, known: Container[tuple[str, str]], reference: str, path: str
) -> None:
    count = 0
    for nodes, tensors in _parts(model):
        count += len(nodes)
        if count > MAX_NODES:
            raise ReleaseRefused(
                f"{reference}: {path} has more than {MAX_NODES:,} operators; no generator needs so many."
            )
        for tensor in tensors:
            if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
                raise ReleaseRefused(
                    f"{reference}: {path} keeps {tensor.name!r} in another file; "
                    "a release's graph holds all its weights itself."
                )
            _check_claim(tensor, reference, path)
        for node in nodes:
            if node.domain not in ALLOWED_DOMAINS and (node.domain, node.op_type) not in known:
                raise ReleaseRefused(
                    f"{reference}: {path} uses the custom operator {node.domain}::{node.op_type}, "
                    "which needs a library of its own."
                )


class _TooSparse(ReleaseRefused):
    pass


def require_steady(model: onnx.ModelProto, reference: str, path: str) -> None:
    """Refuse a graph that draws random numbers of its own: its answers would not be the same twice.

    Raises:
        ReleaseRefused: it does; the message names the operator.
    """
    for nodes, _ in _parts(model):
        for node in nodes:
            trains = node.op_type == "Dropout" and len(node.input) > 2 and bool(node.input[2])
            if trains or node.op_type in RANDOM_OPERATORS:
                raise ReleaseRefused(
                    f"{reference}: {path} draws random numbers of its own, by {node.op_type}, and so finds "
                    "something else each time. Export it without."
                )


def all_tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Every constant of a graph, wherever in it."""
    for _, tensors in _parts(model):
        yield from tensors


def _check_claim(tensor: onnx.TensorProto, reference: str, path: str) -> None:
    """A tensor's dimensions may claim no more numbers than it holds; the smallest take two bits."""
    numbers = sum(
        len(values)
        for values in (
            tensor.float_data,
            tensor.int32_data,
            tensor.int64_data,
            tensor.uint64_data,
            tensor.double_data,
            tensor.string_data,
        )
    )
    held = max(4 * len(tensor.raw_data), 4 * numbers)
    if min(tensor.dims, default=0) < 0 or math.prod(tensor.dims) > max(held, 1):
        raise ReleaseRefused(
            f"{reference}: {path}: the tensor {tensor.name[:80]!r} claims the shape "
            f"{list(tensor.dims)[:8]} and holds {len(tensor.raw_data) or numbers:,} "
            f"{'bytes' if tensor.raw_data else 'numbers'}."
        )


def _parts(model: onnx.ModelProto) -> Iterator[tuple[Sequence[onnx.NodeProto], Iterable[onnx.TensorProto]]]:
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
        if math.prod(tensor.dims) > MAX_SPARSE_NUMBERS:
            raise _TooSparse(
                f"a sparse tensor would become {math.prod(tensor.dims):,} numbers, and "
                f"{MAX_SPARSE_NUMBERS:,} are allowed"
            )
        yield tensor.values
        yield tensor.indices
