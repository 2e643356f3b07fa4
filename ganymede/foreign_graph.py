"""A generator from elsewhere: which of its inputs and outputs is what."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import onnx
from onnx import TensorProto, version_converter

from service.errors import GanymedeError
from service.graph import check_graph

OPSET = 17
"""What a graph of an opset before 13, whose operators still took axes as attributes, is converted to."""
LABEL_NAMES = ("label", "class", "onehot", "one_hot", "cond")
_LABEL_WORDS = {"y", "c", "cls"}


class ImportRefused(GanymedeError):
    """A graph that cannot become a release as it is; the message says what to do."""

    code = "import-refused"


@dataclass(frozen=True, slots=True)
class Signature:
    """What a foreign graph takes and gives, by its own names."""

    latent: str
    latent_size: int
    latent_rank: Literal[2, 4]
    """2: (n, z); 4: (n, z, 1, 1)."""
    image: str
    label: str | None = None
    label_type: int = TensorProto.UNDEFINED
    label_rank: int = 2
    classes: int | None = None
    """How many, where the graph says so."""

    @property
    def label_is_index(self) -> bool:
        """Whether the class is a number (n,) or (n, 1) and not a weight per class (n, classes)."""
        return self.label_type in (TensorProto.INT64, TensorProto.INT32)


def load_graph(path: Path) -> onnx.ModelProto:
    """Read a graph with its weights, be they in the file or beside it, and free its batch dimension.

    Raises:
        ImportRefused: it cannot be read.
        ReleaseRefused: it uses custom operators.
    """
    try:
        model = onnx.load_model(path)
        if next((opset.version for opset in model.opset_import if opset.domain in ("", "ai.onnx")), 0) < 13:
            model = version_converter.convert_version(model, OPSET)
        content = model.SerializeToString()
    except Exception as error:  # protobuf's, ONNX's and the system's errors alike
        raise ImportRefused(f"{path} cannot be read as an ONNX graph: {str(error)[:300]}") from error
    check_graph(content, path.name, "the graph")
    weights = {tensor.name for tensor in model.graph.initializer}
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    del model.graph.input[:]  # old exporters list the weights among the inputs
    model.graph.input.extend(inputs)
    del model.graph.value_info[:]  # shapes within may tell of one batch size
    for node in model.graph.node:  # exporters write here where on whose machine the code lay
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for tensor in (*model.graph.input, *model.graph.output):
        if tensor.type.tensor_type.shape.dim:
            tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model


def read_signature(
    model: onnx.ModelProto, *, latent: str | None = None, label: str | None = None, image: str | None = None
) -> Signature:
    """Tell a graph's latent, label and image apart; the names that are given decide.

    Raises:
        ImportRefused: it cannot be told, or they are not of a kind that a generator's are.
    """
    inputs = {tensor.name: tensor for tensor in model.graph.input}
    if not 1 <= len(inputs) <= 2:
        raise ImportRefused(
            f"The graph has the inputs {', '.join(inputs) or 'none'}; "
            "a latent and at most a class are known here."
        )
    label = _choose(label, inputs, "--label") if label else _find_label(inputs, latent)
    latent = _choose(latent, inputs, "--latent") if latent else next(name for name in inputs if name != label)
    if len(inputs) == 2 and label is None:
        label = next(name for name in inputs if name != latent)
    kind, dimensions = _describe(inputs[latent])
    rank = len(dimensions)
    if (
        kind != TensorProto.FLOAT
        or not (rank == 2 or (rank == 4 and dimensions[2:] == [1, 1]))
        or not dimensions[1]
    ):
        raise ImportRefused(
            f"The input {latent} is {_type_name(kind)} {dimensions}; "
            "a latent is float32 (n, z) or (n, z, 1, 1)."
        )
    found = Signature(latent, dimensions[1], 4 if rank == 4 else 2, _find_image(model, image))
    return found if label is None else _with_label(found, model, inputs[label])


def _find_label(inputs: dict[str, onnx.ValueInfoProto], latent: str | None) -> str | None:
    if len(inputs) == 1:
        return None
    if latent is not None:
        return next((name for name in inputs if name != latent), None)
    whole = [name for name, tensor in inputs.items() if _describe(tensor)[0] != TensorProto.FLOAT]
    named = [
        name
        for name in inputs
        if name.lower() in _LABEL_WORDS or any(word in name.lower() for word in LABEL_NAMES)
    ]
    for candidates in (whole, named):
        if len(candidates) == 1:
            return candidates[0]
    raise ImportRefused(
        f"Which of the inputs {', '.join(inputs)} is the class? Say --latent NAME and --label NAME."
    )


def _with_label(found: Signature, model: onnx.ModelProto, tensor: onnx.ValueInfoProto) -> Signature:
    kind, dimensions = _describe(tensor)
    rank = len(dimensions)
    is_index = kind in (TensorProto.INT64, TensorProto.INT32) and (rank == 1 or dimensions[1:] == [1])
    is_weights = kind == TensorProto.FLOAT and rank == 2 and dimensions[1] >= 2
    if not (is_index or is_weights):
        raise ImportRefused(
            f"The input {tensor.name} is {_type_name(kind)} {dimensions}; "
            "a class is an integer (n,) or (n, 1), or float32 weights (n, classes)."
        )
    classes = dimensions[1] if is_weights else _table_rows(model, tensor.name)
    return Signature(
        found.latent,
        found.latent_size,
        found.latent_rank,
        found.image,
        label=tensor.name,
        label_type=kind,
        label_rank=rank,
        classes=classes,
    )


def _table_rows(model: onnx.ModelProto, label: str) -> int | None:
    """The rows of the embedding that an index is looked up in, if one is."""
    rows = {tensor.name: tensor.dims[0] for tensor in model.graph.initializer if tensor.dims}
    for node in model.graph.node:
        if node.op_type == "Gather" and node.input[1] == label:
            return rows.get(node.input[0])
    return None


def _find_image(model: onnx.ModelProto, image: str | None) -> str:
    outputs = {tensor.name: tensor for tensor in model.graph.output}
    if image is not None:
        return _choose(image, outputs, "--output")
    pictures: list[str] = [
        name for name, tensor in outputs.items() if len(_describe(tensor)[1]) == 4
    ] or list(outputs)
    if len(pictures) != 1:
        raise ImportRefused(f"Which of the outputs {', '.join(pictures)} is the image? Say --output NAME.")
    return pictures[0]


def _choose(name: str, tensors: dict[str, onnx.ValueInfoProto], option: str) -> str:
    if name not in tensors:
        raise ImportRefused(f"{option} {name}: the graph has {', '.join(tensors)}.")
    return name


def _describe(tensor: onnx.ValueInfoProto) -> tuple[int, list[int]]:
    """A tensor's type and dimensions, 0 where one is free."""
    kind = tensor.type.tensor_type
    return kind.elem_type, [dimension.dim_value for dimension in kind.shape.dim]


def _type_name(kind: int) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(kind)) if kind else "of no known type"


def last_operator(model: onnx.ModelProto, image: str) -> str | None:
    """The operator whose output the image is, such as `Tanh`."""
    return next((f"{node.op_type}" for node in model.graph.node if image in node.output), None)
