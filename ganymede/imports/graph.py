"""A generator from elsewhere: which of its inputs and outputs is what."""

from dataclasses import dataclass, replace
from typing import Literal

import onnx
from onnx import TensorProto

from foundation.errors import GanymedeError

FLOATS = {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE}
"""What NumPy and ONNX Runtime hand to each other, for a latent, weights of classes or a picture."""
WHOLE = {TensorProto.UINT8, TensorProto.UINT16, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64}
"""What a picture in levels of 0 to 255 may be given in."""
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
    latent_type: int = TensorProto.FLOAT
    image_type: int = TensorProto.FLOAT
    batch: int | None = None
    """The number of latents that the file says it takes, where it says so."""
    label: str | None = None
    label_type: int = TensorProto.UNDEFINED
    label_rank: int = 2
    classes: int | None = None
    """How many, where the graph says so."""

    @property
    def label_is_index(self) -> bool:
        """Whether the class is a number (n,) or (n, 1) and not a weight per class (n, classes)."""
        return self.label_type in (TensorProto.INT64, TensorProto.INT32)


def free_batch(original: onnx.ModelProto) -> onnx.ModelProto:
    """A copy without its batch size, without what lists weights as inputs, and without its maker's notes."""
    model = onnx.ModelProto()
    model.CopyFrom(original)
    weights = _weights(model)
    inputs = [tensor for tensor in model.graph.input if tensor.name not in weights]
    del model.graph.input[:]  # files of IR version 3 list the weights among the inputs
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
    weights = _weights(model)
    inputs = {tensor.name: tensor for tensor in model.graph.input if tensor.name not in weights}
    if not inputs:
        raise ImportRefused("The graph has no input that is not a weight of its own; a latent is one.")
    if len(inputs) > 2:
        raise ImportRefused(
            f"The graph has the inputs {', '.join(inputs)}; a latent and at most a class are known here. "
            "Export it with the others fixed (such as noise or truncation), as constants of the graph."
        )
    label = _choose(label, inputs, "--label") if label else _find_label(inputs, latent)
    latent = _choose(latent, inputs, "--latent") if latent else next(name for name in inputs if name != label)
    if len(inputs) == 2 and label is None:
        label = next(name for name in inputs if name != latent)
    kind, dimensions = _describe(inputs[latent])
    rank = len(dimensions)
    if kind not in FLOATS or not (rank == 2 or (rank == 4 and dimensions[2:] == [1, 1])) or not dimensions[1]:
        raise ImportRefused(
            f"The input {latent} is {_describe_type(inputs[latent])}; a latent is float32 (n, z) or "
            "(n, z, 1, 1), or float16 or float64, with z a number. Export the generator with such an input."
        )
    image = _find_image(model, image)
    found = Signature(
        latent,
        dimensions[1],
        4 if rank == 4 else 2,
        image,
        latent_type=kind,
        image_type=_check_image(model, image),
        batch=dimensions[0] or None,
    )
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
    is_weights = kind in FLOATS and rank == 2 and dimensions[1] >= 2
    if not (is_index or is_weights):
        raise ImportRefused(
            f"The input {tensor.name} is {_describe_type(tensor)}; a class is int64 or int32 (n,) or (n, 1), "
            "or weights (n, classes) in float32, float16 or float64. If it is no class, fix it in the export."
        )
    classes = dimensions[1] if is_weights else _table_rows(model, tensor.name)
    return replace(found, label=tensor.name, label_type=kind, label_rank=rank, classes=classes)


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


def _check_image(model: onnx.ModelProto, image: str) -> int:
    """The image's type, which must be one that levels of 0 to 255 can be told from."""
    tensor = next(tensor for tensor in model.graph.output if tensor.name == image)
    kind, dimensions = _describe(tensor)
    if kind not in FLOATS | WHOLE | {TensorProto.BFLOAT16} or (dimensions and len(dimensions) != 4):
        raise ImportRefused(
            f"The output {image} is {_describe_type(tensor)}; pictures are (n, c, h, w) or (n, h, w, c) in "
            "float32, float16, bfloat16, float64 or uint8. Convert it in the export, such as by .float()."
        )
    return kind


def _choose(name: str, tensors: dict[str, onnx.ValueInfoProto], option: str) -> str:
    if name not in tensors:
        raise ImportRefused(f"{option} {name}: the graph has {', '.join(tensors)}.")
    return name


def _describe(tensor: onnx.ValueInfoProto) -> tuple[int, list[int]]:
    """A tensor's type and dimensions, 0 where one is free; no type if it is no tensor."""
    kind = tensor.type.tensor_type
    return kind.elem_type, [dimension.dim_value for dimension in kind.shape.dim]


def _describe_type(tensor: onnx.ValueInfoProto) -> str:
    """Such as `float32 (n, 3, 8, 8)`, or `a sequence`."""
    kind = tensor.type.WhichOneof("value")
    if kind != "tensor_type":
        return {"sequence_type": "a sequence", "optional_type": "optional", "map_type": "a map"}.get(
            kind or "", "of no known type"
        )
    number, _ = _describe(tensor)
    names = {value: name.lower() for name, value in TensorProto.DataType.items()}
    known = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}
    sides = [
        str(side.dim_value) if side.HasField("dim_value") else side.dim_param or "?"
        for side in tensor.type.tensor_type.shape.dim
    ]
    return f"{known.get(number) or names.get(number, 'of no known type')} ({', '.join(sides)[:200]})"


def _weights(model: onnx.ModelProto) -> set[str]:
    return {
        *(tensor.name for tensor in model.graph.initializer),
        *(tensor.values.name for tensor in model.graph.sparse_initializer),
    }


def last_operator(model: onnx.ModelProto, image: str) -> str | None:
    """The operator whose output the image is, such as `Tanh`."""
    return next((f"{node.op_type}" for node in model.graph.node if image in node.output), None)
