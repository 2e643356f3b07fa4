"""Graphs whose tensors' sizes follow the numbers they are given: no trial tells what those would take."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import onnx

from foundation.errors import ReleaseRefused

_FROM_SHAPES = frozenset({"Shape", "Size"})
"""What they give follows how large a tensor is, whatever stands in it."""

_ALL = tuple(range(64))
_SIZING: dict[str, Sequence[int]] = {
    # Operator, and which of its inputs say how large its outputs are (ONNX, "Operator Schemas").
    "AffineGrid": (1,),
    "BlackmanWindow": (0,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "Compress": (1,),
    "ConstantOfShape": (0,),
    "CropAndResize": (3,),
    "DFT": (1,),
    "Expand": (1,),
    "ExpandDims": (1,),
    "HammingWindow": (0,),
    "HannWindow": (0,),
    "If": (0,),
    "ImageDecoder": (0,),
    "Loop": (0, 1),
    "MaxUnpool": (2,),
    "MelWeightMatrix": (0,),
    "NonMaxSuppression": _ALL,
    "NonZero": (0,),
    "OneHot": (1,),
    "Pad": (1,),
    "Range": (0, 1, 2),
    "Reshape": (1,),
    "Resize": (1, 2, 3),
    "STFT": (1, 3),
    "SequenceAt": (1,),
    "SequenceErase": (1,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "SplitToSequence": (1,),
    "Squeeze": (1,),
    "StringSplit": _ALL,
    "Tile": (1, 2),
    "Tokenizer": _ALL,
    "TopK": (1,),
    "Unique": _ALL,
    "Unsqueeze": (1,),
    "Upsample": (1,),
    **dict.fromkeys(("BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch"), _ALL),
}
_MOST_NAMES = 500_000
"""Looked at in all: some seconds. What lies in a loop within a loop is looked at many times."""
_MOST_ROUNDS = 8
"""How often the body of a loop is gone through; what has not settled by then follows all that comes in."""


def refuse_value_sizes(model: onnx.ModelProto, reference: str, path: str) -> None:
    """Refuse a graph in which how large a tensor is, or how often a loop runs, follows its inputs' numbers.

    Of a graph like that a trial says nothing of the next request, which a stranger may choose.

    Raises:
        ReleaseRefused: there is such an operator; the message names it.
    """
    functions = {(each.domain, each.name): each for each in model.functions}
    weights = {tensor.name for tensor in model.graph.initializer}
    given = {tensor.name for tensor in model.graph.input} - weights
    try:
        _Following(functions).follow(model.graph.node, given)
    except _Follows as found:
        raise ReleaseRefused(
            f"{reference}: {path}: {found}, so that nobody can tell how much memory a request would take. "
            "Export the generator with sizes that are fixed, or that follow the batch."
        ) from None


class _Follows(Exception):
    pass


class _Following:
    """Which tensors' numbers follow those of the inputs."""

    def __init__(self, functions: Mapping[tuple[str, str], onnx.FunctionProto]) -> None:
        self._functions = functions
        self._known: dict[tuple[str, str, tuple[bool, ...]], tuple[bool, ...]] = {}
        self._open: set[tuple[str, str]] = set()
        self._left = _MOST_NAMES

    def follow(self, nodes: Iterable[onnx.NodeProto], outside: Iterable[str]) -> set[str]:
        """The names that follow, of all that `nodes` and what is `outside` make.

        Raises:
            _Follows: one of them says how large something is.
        """
        following = set(outside)
        self._spend(len(following))
        for node in nodes:
            self._spend(1)
            inputs = tuple(name in following for name in node.input)
            if any(inputs[index] for index in _SIZING.get(node.op_type, ()) if index < len(inputs)):
                raise _Follows(
                    f"the size of what {node.op_type} ({node.name[:80] or node.output[0][:80]!r}) makes "
                    "follows the numbers that the graph is given"
                )
            outputs = self._outputs(node, inputs, following)
            following.update(
                name for name, follows in zip(node.output, outputs, strict=True) if name and follows
            )
        return following

    def _spend(self, names: int) -> None:
        self._left -= names
        if self._left < 0:
            raise _Follows("so many graphs lie within each other that it takes too long to look through them")

    def _outputs(self, node: onnx.NodeProto, inputs: tuple[bool, ...], following: set[str]) -> Sequence[bool]:
        """Whether each output of `node` follows."""
        if node.op_type in _FROM_SHAPES and node.domain in ("", "ai.onnx"):
            return [False] * len(node.output)
        function = self._functions.get((node.domain, node.op_type))
        if function is not None:
            found = self._call(function, inputs)
            return [*found, *[any(inputs)] * len(node.output)][: len(node.output)]
        graphs = list(_graphs(node))
        if not graphs:
            return [any(inputs)] * len(node.output)
        inside = [self._run(node, graph, inputs, following) for graph in graphs]
        return [any(inputs) or any(inside)] * len(node.output)

    def _run(
        self, node: onnx.NodeProto, graph: onnx.GraphProto, inputs: tuple[bool, ...], following: set[str]
    ) -> bool:
        """Whether anything that a graph within `node` gives follows; what is carried round goes round again.

        A loop's inputs are its count, its condition and what it carries; its body's are the step's number,
        the condition and what is carried. Any other operator's are taken to be handed on as they are.
        """
        names = [tensor.name for tensor in graph.input]
        loop = node.op_type == "Loop"
        start = [False, *inputs[1:]] if loop else list(inputs)
        start = [*start, *[any(inputs)] * len(names)][: len(names)]
        results = [tensor.name for tensor in graph.output]
        for _ in range(_MOST_ROUNDS):
            known = following - set(names) | {
                name for name, follows in zip(names, start, strict=True) if follows
            }
            found = self.follow(graph.node, known)
            if loop and results and results[0] in found:
                raise _Follows(
                    f"how often a Loop ({node.name[:80]!r}) runs follows the numbers that the graph is given"
                )
            back = [name in found for name in results]
            carried = [False, *back] if loop else back
            after = [old or new for old, new in zip(start, [*carried, *[False] * len(names)], strict=False)]
            if after == start:
                return any(back)
            start = after
        return any(name in self.follow(graph.node, following | set(names)) for name in results)

    def _call(self, function: onnx.FunctionProto, inputs: tuple[bool, ...]) -> tuple[bool, ...]:
        """Whether each output of a function follows; each is gone through once for the same inputs."""
        name = (function.domain, function.name)
        if name in self._open:
            raise _Follows(f"the function {function.name[:80]!r} calls itself")
        key = (*name, inputs)
        if key not in self._known:
            self._open.add(name)
            given = {each for each, follows in zip(function.input, inputs, strict=False) if follows}
            found = self.follow(function.node, given)
            self._open.discard(name)
            self._known[key] = tuple(each in found for each in function.output)
        return self._known[key]


def _graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
