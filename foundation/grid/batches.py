"""Whether pictures stay apart: what is proven of one holds for many only where their axis stays the first."""

from collections.abc import Mapping, Sequence

import onnx

from foundation.grid.movement import Array, move, read_attributes, read_order

Shape = tuple[int, ...]
_BROADCASTING = frozenset({"Add", "Sub", "Mul", "Div", "Max", "Min"})
_ALONG_ONE_AXIS = frozenset({"Concat", "Split"})


def check_batch(node: onnx.NodeProto, shapes: Sequence[Shape], constants: Mapping[str, Array]) -> None:
    """Check that `node` keeps pictures apart, where tensors of `shapes`, of one picture each, go in.

    Raises:
        ValueError: it moves or joins the first axis, along which pictures lie, or puts another before it.
    """
    kind, rank = node.op_type, len(shapes[0])
    if kind in _BROADCASTING:
        kept = _stays_first(node, shapes, constants)
    elif kind in _ALONG_ONE_AXIS:
        kept = read_attributes(node).get("axis", 0) % rank != 0
    elif kind == "Transpose":
        kept = read_order(read_attributes(node))[0] == 0
    elif kind == "Reshape":
        wanted = [int(side) for side in constants[node.input[1]]]
        kept = wanted[:1] in ([0], [-1]) or -1 not in wanted
    elif kind == "Flatten":
        kept = read_attributes(node).get("axis", 1) % rank != 0
    elif kind in ("Squeeze", "Unsqueeze", "ReduceSum"):
        axes = _read_axes(node, constants)
        after = rank + (len(axes) if kind == "Unsqueeze" else 0)
        kept = bool(axes) and all(axis % after != 0 for axis in axes)
    else:
        kept = True
    if not kept:
        raise ValueError("it moves or joins the axis along which pictures lie")


def move_apart(node: onnx.NodeProto, arrays: Sequence[Array], constants: Mapping[str, Array]) -> list[Array]:
    """What `node` makes of `arrays` (1, …), one for each output, pictures kept apart.

    Raises:
        ValueError: it does more than move numbers, or gives more pictures than went in.
    """
    moved = move(node, arrays, constants)
    if node.op_type in ("Pad", "Resize", "Upsample") and arrays[0].shape[0] != moved[0].shape[0]:
        raise ValueError("it repeats pictures")
    return moved


def _stays_first(node: onnx.NodeProto, shapes: Sequence[Shape], constants: Mapping[str, Array]) -> bool:
    """Whether what is broadcast has the pictures' axis first on all sides."""
    first = shapes[0]
    if any(len(each) != len(first) or each[0] != first[0] for each in shapes):
        return False
    fixed = [constants[name].shape for name in node.input if name in constants]
    return all(len(each) < len(first) or (len(each) == len(first) and each[0] == 1) for each in fixed)


def _read_axes(node: onnx.NodeProto, constants: Mapping[str, Array]) -> list[int]:
    given = constants[node.input[1]] if len(node.input) > 1 else read_attributes(node).get("axes")
    return [] if given is None else [int(axis) for axis in given]
