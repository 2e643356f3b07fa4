"""Layers that read the same numbers made one: the scales and shifts of all conditional normalisations.

Each is a small product of its own, rounded, bounded and turned to planes. Side by side they are one product
with the columns of all, which changes no number: what a column adds up is its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import helper, numpy_helper

from foundation.grid.movement import Array, read_attributes
from foundation.grid.reading import Graph

Limits = Mapping[str, float]
"""For each layer's weights the steps that no sum may pass."""
_STEPS = ("Round", "Max", "Min", "Mul")


@dataclass(frozen=True)
class Product:
    """A MatMul, or Gemm, with what bounds and shifts its columns, and the pieces that it is split to."""

    nodes: tuple[onnx.NodeProto, ...]
    weights: Array
    """Float32 (in, columns), on the rows of what the merged product reads."""
    bias: Array
    """Float32 (columns,), zeros of a MatMul."""
    constants: tuple[Array, Array, Array]
    """Low, high and shift, of each column."""
    pieces: tuple[tuple[str, int, int], ...]
    """Name, first column, and how many, of each that is read in the end."""
    planes: tuple[bool, ...]
    """Whether each piece is (n, c, 1, 1) and not (n, 1, 1, c)."""


@dataclass(frozen=True)
class Piece:
    """One of them, and which product it comes from."""

    name: str
    product: int
    first: int
    size: int
    plane: bool


def merge(model: onnx.ModelProto, limits: Limits) -> tuple[onnx.ModelProto, Limits]:
    """The same graph with one product for all scales and shifts, and the limits of its weights."""
    graph = Graph(model)
    source = _find_source(graph)
    found = [product for node in graph.nodes if (product := _read(graph, node, source)) is not None]
    if len(found) < 2 or any(limits.get(product.nodes[0].input[1]) is None for product in found):
        return model, limits
    merged = onnx.ModelProto()
    merged.CopyFrom(model)
    gone = {node.output[0] for product in found for node in product.nodes}
    kept = [node for node in merged.graph.node if node.output[0] not in gone]
    at = 1 + max(index for index, node in enumerate(kept) if source in node.output)
    nodes, tensors = _write(found, source)
    del merged.graph.node[:]
    merged.graph.node.extend([*kept[:at], *nodes, *kept[at:]])
    merged.graph.initializer.extend(tensors)
    least = min(limits[product.nodes[0].input[1]] for product in found)
    return merged, {**limits, tensors[0].name: least}


def _find_source(graph: Graph) -> str:
    """What most products read."""
    read = [node.input[0] for node in graph.nodes if node.op_type in ("MatMul", "Gemm")]
    return max(read, key=read.count, default="")


def _read(graph: Graph, node: onnx.NodeProto, source: str) -> Product | None:
    """A product of `source`, or of a part of it, that is rounded, bounded, shifted, reshaped and split."""
    if node.op_type not in ("MatMul", "Gemm") or read_attributes(node).get("transB"):
        return None
    weights = _spread_rows(graph, node, source)
    nodes, ends = [node], []
    for kind in _STEPS:
        last = _only_reader(graph, nodes[-1])
        if last is None or last.op_type != kind:
            return None
        nodes.append(last)
        ends += [graph.constants.get(name) for name in last.input[1:]]
    reshape = _only_reader(graph, nodes[-1])
    split = _only_reader(graph, reshape) if reshape is not None else None
    if weights is None or split is None or reshape is None or any(each is None for each in ends):
        return None
    columns = weights.shape[1]
    shape = graph.constants.get(reshape.input[1]) if reshape.op_type == "Reshape" else None
    if shape is None or list(shape) != [-1, 1, 1, columns] or split.op_type != "Split":
        return None
    if read_attributes(split).get("axis", 0) not in (-1, 3) or len(split.input) > 1:
        return None
    size = columns // len(split.output)
    pieces, planes = [], []
    nodes += [reshape, split]
    for index, name in enumerate(split.output):
        readers = graph.readers.get(name, [])
        turned = readers[0] if len(readers) == 1 and readers[0].op_type == "Transpose" else None
        if turned is not None and read_attributes(turned).get("perm") == [0, 3, 1, 2]:
            nodes.append(turned)
            name = turned.output[0]  # it is what is read in the end
        else:
            turned = None
        pieces.append((name, index * size, size))
        planes.append(turned is not None)
    summand = graph.constants[node.input[2]] if len(node.input) > 2 else np.zeros(1, np.float32)
    low, high, shift, bias = (
        np.broadcast_to(np.asarray(each).reshape(-1), (columns,)) for each in [*ends, summand]
    )
    return Product(tuple(nodes), weights, bias, (low, high, shift), tuple(pieces), tuple(planes))


def _only_reader(graph: Graph, node: onnx.NodeProto) -> onnx.NodeProto | None:
    readers = graph.readers.get(node.output[0], [])
    return readers[0] if len(readers) == 1 and readers[0].input[0] == node.output[0] else None


def _spread_rows(graph: Graph, node: onnx.NodeProto, source: str) -> Array | None:
    """The weights of a product of `source`, or of one of the parts that it is put together from."""
    weights = graph.constants.get(node.input[1])
    if weights is None or node.input[0] == source:
        return weights
    whole = graph.producers.get(source)
    if whole is None or whole.op_type != "Concat" or node.input[0] not in whole.input:
        return None
    sizes = _count_numbers(graph)
    if read_attributes(whole)["axis"] not in (1, -1) or any(name not in sizes for name in whole.input):
        return None
    rows = [sizes[name] for name in whole.input]
    first = sum(rows[: list(whole.input).index(node.input[0])])
    spread = np.zeros((sum(rows), weights.shape[1]), np.float32)
    spread[first : first + len(weights)] = weights
    return spread


def _count_numbers(graph: Graph) -> dict[str, int]:
    """How many numbers the inputs have, and what each is turned to number by number."""
    found = {name: shape[-1] for name, shape in graph.inputs.items() if len(shape) == 2}
    for node in graph.nodes:
        if node.op_type in ("Mul", "Round", "Clip") and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
    return found


def _write(found: Sequence[Product], source: str) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The merged product: first all that is read as planes, (n, c, 1, 1), then all that is (n, 1, 1, c)."""
    kinds = [[each for each in _list_pieces(found) if each.plane == plane] for plane in (True, False)]
    ordered = [piece for pieces in kinds for piece in pieces]

    def gather(values: Sequence[Array]) -> Array:
        parts = [values[each.product][..., each.first : each.first + each.size] for each in ordered]
        return np.ascontiguousarray(np.concatenate(parts, -1), np.float32)

    tensors: dict[str, Array] = {"weights": gather([product.weights for product in found])}
    for index, key in enumerate(("low", "high", "shift")):
        tensors[key] = gather([product.constants[index] for product in found])[None]
    tensors["bias"] = gather([product.bias for product in found])
    first = ("Gemm", ["weights", "bias"]) if tensors["bias"].any() else ("MatMul", ["weights"])
    if len(first[1]) == 1:
        del tensors["bias"]
    nodes, name = [], source
    for kind, constants in (first, ("Round", []), ("Max", ["low"]), ("Min", ["high"]), ("Mul", ["shift"])):
        inputs = [name, *(f"factors/{constant}" for constant in constants)]
        name = f"factors/{kind.lower()}"
        options = {"transB": 0} if kind == "Gemm" else {}
        nodes.append(helper.make_node(kind, inputs, [name], name=name, **options))
    counts = [sum(each.size for each in pieces) for pieces in kinds]
    halves = [name, name]
    if all(counts):
        tensors["counts"], halves = np.array(counts, np.int64), ["factors/planes", "factors/rows"]
        nodes.append(
            helper.make_node("Split", [name, "factors/counts"], halves, name="factors/split", axis=1)
        )
    for pieces, half, axis in zip(kinds, halves, (1, 3), strict=True):
        if pieces:
            shape = [-1, 1, 1, 1]
            shape[axis] = sum(each.size for each in pieces)
            shaped, outputs = f"factors/shaped{axis}", [each.name for each in pieces]
            tensors[f"shape{axis}"] = np.array(shape, np.int64)
            tensors[f"sizes{axis}"] = np.array([each.size for each in pieces], np.int64)
            nodes.append(helper.make_node("Reshape", [half, f"factors/shape{axis}"], [shaped], name=shaped))
            inputs = [shaped, f"factors/sizes{axis}"]
            nodes.append(helper.make_node("Split", inputs, outputs, name=f"factors/split{axis}", axis=axis))
    return nodes, [numpy_helper.from_array(each, f"factors/{key}") for key, each in tensors.items()]


def _list_pieces(found: Sequence[Product]) -> list[Piece]:
    return [
        Piece(name, index, first, size, plane)
        for index, product in enumerate(found)
        for (name, first, size), plane in zip(product.pieces, product.planes, strict=True)
    ]
