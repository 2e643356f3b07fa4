"""A foreign generator in the contract's clothes: latent (n, z) in, uint8 (n, h, w, c) out."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from foundation.graphs.opset import read_opset
from foundation.manifest import ImageOutput
from ganymede.imports.graph import ImportRefused, Signature

Layout = Literal["nchw", "nhwc"]
Floats = NDArray[np.float32]
PREFIX = "imported/"

RANGES: dict[str, tuple[float, float]] = {"-1,1": (-1.0, 1.0), "0,1": (0.0, 1.0), "0,255": (0.0, 255.0)}
RANGE_OF_OPERATOR = {"Tanh": "-1,1", "Sigmoid": "0,1"}
ROUND_OPSET = 11
"""From here on there is Round, and Clip takes its bounds as inputs."""
TOLERANCE = 0.05
"""Of the range's ends, as float sums may go a little beyond."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a foreign graph's pictures are: where the channels lie, and what black and white are."""

    layout: Layout
    range: str
    size: ImageOutput

    def to_levels(self, images: Floats) -> NDArray[np.uint8]:
        """By NumPy, what the wrapped graph does: float (n, …) in `range` to uint8 (n, h, w, c)."""
        if self.layout == "nchw":
            images = images.transpose(0, 2, 3, 1)
        low, high = RANGES[self.range]
        levels = (images - np.float32(low)) * np.float32(255.0 / (high - low))
        return np.clip(np.round(levels), 0, 255).astype(np.uint8)

    def share_cut_off(self, images: Floats) -> float:
        """How many of the values of pictures lie beyond black or white, and are cut off there."""
        low, high = RANGES[self.range]
        beyond = TOLERANCE * (high - low)
        return float(((images < low - beyond) | (images > high + beyond)).mean())


def read_output(images: Floats, *, layout: Layout | None = None, value_range: str | None = None) -> Output:
    """Tell layout and range of pictures (n, …) that a graph made; what is given decides.

    Raises:
        ImportRefused: it cannot be told, or they are no pictures of one, three or four channels.
    """
    if images.ndim != 4:
        raise ImportRefused(f"The output is {images.shape}; pictures are (n, c, h, w) or (n, h, w, c).")
    if not np.isfinite(images).all():
        raise ImportRefused("The pictures are not finite (NaN or infinite).")
    possible: dict[Layout, int] = {"nchw": images.shape[1], "nhwc": images.shape[3]}
    fitting: list[Layout] = [name for name, channels in possible.items() if channels in (1, 3, 4)]
    if layout is None and len(fitting) != 1:
        what = (
            "both layouts fit; say --layout nchw or nhwc"
            if fitting
            else "one or three channels, or four with alpha, are known"
        )
        raise ImportRefused(f"The output is {images.shape}: {what}.")
    layout = layout or fitting[0]
    if layout not in fitting:
        raise ImportRefused(
            f"The output is {images.shape}: {possible[layout]} channels by --layout {layout}."
        )
    height, width = images.shape[2:] if layout == "nchw" else images.shape[1:3]
    size = ImageOutput.model_validate({"height": height, "width": width, "channels": possible[layout]})
    return Output(layout, value_range or _find_range(images), size)


def _find_range(images: Floats) -> str:
    low, high = float(images.min()), float(images.max())
    if low >= 0 and high <= 1 + TOLERANCE:
        return "0,1"
    if low >= -1 - TOLERANCE and high <= 1 + TOLERANCE:
        return "-1,1"
    raise ImportRefused(
        f"The pictures go from {low:.3g} to {high:.3g}; say what black and white are: "
        f"--range {' or '.join(RANGES)}."
    )


def wrap_graph(
    model: onnx.ModelProto, signature: Signature, output: Output, classes: int | None
) -> onnx.ModelProto:
    """The contract's graph around a foreign one, whose own names get a prefix; checked by ONNX."""
    inner = compose.add_prefix(model, PREFIX)
    inputs = [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", signature.latent_size])]
    if classes is not None:
        inputs.append(helper.make_tensor_value_info("label", TensorProto.FLOAT, ["batch", classes]))
    size = output.size
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["batch", size.height, size.width, size.channels]
    )
    low, high = RANGES[output.range]
    old = read_opset(model) < ROUND_OPSET
    constants = {
        "ganymede/column": np.array([-1, signature.latent_size, 1, 1], np.int64),
        "ganymede/low": np.float32(low),
        "ganymede/scale": np.float32(255.0 / (high - low)),
        **(
            {"ganymede/half": np.float32(0.5)}
            if old
            else {"ganymede/black": np.float32(0), "ganymede/white": np.float32(255)}
        ),
    }
    graph = helper.make_graph(
        [
            *_take_latent(signature),
            *_take_label(signature),
            *inner.graph.node,
            *_give_levels(signature, output, old=old),
        ],
        "generator",
        inputs,
        [image],
        [
            *inner.graph.initializer,
            *(numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()),
        ],
        sparse_initializer=inner.graph.sparse_initializer,
    )
    wrapped = helper.make_model(
        graph,
        opset_imports=inner.opset_import,
        functions=inner.functions,
        ir_version=max(inner.ir_version, 4),  # before, weights had to be inputs
        producer_name="ganymede",
    )
    try:
        onnx.checker.check_model(wrapped)
    except Exception as error:  # onnx's errors share no public base
        raise ImportRefused(f"The graph breaks ONNX's rules: {str(error)[:300]}") from error
    return wrapped


def _take_latent(signature: Signature) -> list[onnx.NodeProto]:
    name = PREFIX + signature.latent
    nodes, values = [], "latent"
    if signature.latent_type != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [values], ["ganymede/cast"], to=signature.latent_type))
        values = "ganymede/cast"
    if signature.latent_rank == 4:
        return [*nodes, helper.make_node("Reshape", [values, "ganymede/column"], [name])]  # (n, z, 1, 1)
    return [*nodes, helper.make_node("Identity", [values], [name])]


def _take_label(signature: Signature) -> list[onnx.NodeProto]:
    """Weights as they are, or the class that weighs most."""
    if signature.label is None:
        return []
    name = PREFIX + signature.label
    if not signature.label_is_index:
        return [helper.make_node("Cast", ["label"], [name], to=signature.label_type)]
    return [
        helper.make_node("ArgMax", ["label"], ["ganymede/class"], axis=1, keepdims=signature.label_rank - 1),
        helper.make_node("Cast", ["ganymede/class"], [name], to=signature.label_type),
    ]


def _give_levels(signature: Signature, output: Output, *, old: bool) -> list[onnx.NodeProto]:
    """The picture in levels, by operators that the graph's own opset has: none of it is converted."""
    values = PREFIX + signature.image
    nodes = []
    if signature.image_type != TensorProto.FLOAT:
        nodes.append(helper.make_node("Cast", [values], ["ganymede/floats"], to=TensorProto.FLOAT))
        values = "ganymede/floats"
    if output.layout == "nchw":
        nodes.append(helper.make_node("Transpose", [values], ["ganymede/nhwc"], perm=[0, 2, 3, 1]))
        values = "ganymede/nhwc"
    nodes += [
        helper.make_node("Sub", [values, "ganymede/low"], ["ganymede/positive"]),
        helper.make_node("Mul", ["ganymede/positive", "ganymede/scale"], ["ganymede/levels"]),
    ]
    if old:
        nodes += [
            helper.make_node("Add", ["ganymede/levels", "ganymede/half"], ["ganymede/more"]),
            helper.make_node("Floor", ["ganymede/more"], ["ganymede/rounded"]),
            helper.make_node("Clip", ["ganymede/rounded"], ["ganymede/clipped"], min=0.0, max=255.0),
        ]
    else:
        bounds = ["ganymede/black", "ganymede/white"]
        nodes += [
            helper.make_node("Round", ["ganymede/levels"], ["ganymede/rounded"]),
            helper.make_node("Clip", ["ganymede/rounded", *bounds], ["ganymede/clipped"]),
        ]
    return [*nodes, helper.make_node("Cast", ["ganymede/clipped"], ["image"], to=TensorProto.UINT8)]
