"""Distillation onto the grid: by straight-through rounding the exact graph learns to draw as the float one.

Units, grids and bounds stay as they were placed; the weights of all layers move. Teacher and pupil see the
same latents, some truncated, of classes some of which are blended. The pupil descends the squared distance of
their pictures in levels (Hinton et al., "Distilling the knowledge in a neural network", 2015; Jacob et al.,
"Quantization and training of neural networks for efficient integer-arithmetic-only inference", 2018).
"""

import time
from collections.abc import Callable, Mapping

import numpy as np
import onnx
import tensorflow as tf
from onnx import numpy_helper

from foundation.grid.calibration import draw_feeds
from foundation.grid.linear import LINEAR, Linear, bound_sums, read_linear
from foundation.grid.movement import Array
from foundation.grid.placing import Placed
from foundation.grid.proof import prove_exact
from foundation.grid.reading import Graph, count_fraction_bits
from foundation.grid.walk import Walk
from foundation.grid.weights import round_to
from foundation.manifest import LabelInput, LatentInput
from training.grid.operators import round_through, run_graph

LEARNING_RATE = 0.02
"""How far a weight goes in one step, in steps of its own grid; it falls to zero along half a cosine."""
FIRST_SEED = 100_000
"""Neither what calibrates nor what is compared comes from here on."""
Shown = Callable[[int, float], None]
"""Is told of each step: its number and its loss, in levels squared."""


def show_nothing(_step: int, _loss: float) -> None:
    """For where nobody watches."""


class Layer:
    """A layer whose weights learn."""

    def __init__(self, node: onnx.NodeProto, graph: Graph, walk: Walk, limit: float) -> None:
        """Begin with the weights that `graph` has."""
        self.linear: Linear = read_linear(node, graph.constants)
        self.name, self.limit = node.input[1], limit
        extent = walk.extents[node.input[0]]
        axes = tuple(axis for axis in range(extent.low.ndim) if axis != self.linear.axis % extent.low.ndim)
        self.low, self.high = extent.low.min(axes), extent.high.max(axes)
        bits = count_fraction_bits(self.linear.weights)
        self.bits = np.where(self.linear.weights == 0, -1000, bits).max((1, 2)).clip(0, 24)
        stored = np.asarray(graph.constants[self.name], np.float32)
        self.steps = self.linear.store(
            np.broadcast_to(np.ldexp(1.0, self.bits)[:, None, None], self.linear.weights.shape)
        )
        self.variable = tf.Variable(stored * self.steps)
        ones = np.ones_like(self.linear.weights)
        self.ends = [
            self.linear.store(ones * self.linear.spread(end))
            for end in (np.minimum(self.low, 0), np.maximum(self.high, 0))
        ]
        bias = np.zeros(len(ones)) if self.linear.bias is None else np.ldexp(self.linear.bias, self.bits)
        self.room = np.stack([limit + np.minimum(bias, 0), limit - np.maximum(bias, 0)]).astype(np.float32)
        first = self.linear.kind == "Conv" or self.linear.transposed
        self.axes = tuple(axis for axis in range(stored.ndim) if axis != (0 if first else 1))
        self.lined = [1 if axis in self.axes else -1 for axis in range(stored.ndim)]

    def bounded(self) -> tf.Tensor:
        """The weights, in steps of their grid, made smaller where a channel's sums might pass the limit."""
        ends = [self.variable * end for end in self.ends]
        least = tf.reduce_sum(tf.minimum(*ends), self.axes)
        most = tf.reduce_sum(tf.maximum(*ends), self.axes)
        share = tf.minimum(tf.reduce_min(self.room / tf.maximum(tf.stack([-least, most]), 1e-30), 0), 1.0)
        return self.variable * tf.stop_gradient(tf.reshape(share, self.lined))

    def rounded(self) -> tf.Tensor:
        """The weights on their grid, as the operator stores them."""
        return round_through(self.bounded()) / self.steps

    def finish(self) -> Array:
        """The weights on their grid, smaller by as little as no sum passes the limit then."""
        stored = self.bounded().numpy().astype(np.float64) / self.steps
        weights, bits = _unstore(self.linear, stored), self.bits.astype(np.int64)
        while True:
            rounded = round_to(weights, bits)
            least, most = bound_sums(self.linear, rounded, self.linear.bias, self.low, self.high)
            over = np.ldexp(np.maximum(-least, most), bits) > self.limit
            if not over.any():
                return self.linear.store(rounded)
            weights = np.where(over[:, None, None], weights * 0.999, weights)


def tune(
    placed: Placed,
    latent: LatentInput,
    label: LabelInput | None,
    *,
    steps: int,
    batch_images: int = 32,
    learning_rate: float | None = None,
    limit_s: float = float("inf"),
    shown: Shown = show_nothing,
) -> onnx.ModelProto:
    """Train a placed graph for so many steps, or seconds; the graph, proven. `shown` is told of each step.

    Raises:
        ExportError: an operator has no gradient here.
        NotExact: what came out is not proven.
    """
    graph, floats = Graph(placed.model), Graph(placed.folded)
    layers = _find_layers(placed, graph)
    end = _find_end(graph, floats)
    optimizer = tf.keras.optimizers.Adam(
        tf.keras.optimizers.schedules.CosineDecay(learning_rate or LEARNING_RATE, steps)
    )
    variables = [layer.variable for layer in layers]

    def step(feeds: dict[str, tf.Tensor]) -> tf.Tensor:
        wanted = run_levels(floats, {}, feeds, end)
        with tf.GradientTape() as tape:
            weights = {layer.name: layer.rounded() for layer in layers}
            drawn = run_levels(graph, weights, feeds, end)
            loss = tf.reduce_mean(tf.square(drawn - wanted))
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        return loss

    compiled = tf.function(step)
    started = time.monotonic()
    for number in range(steps):
        if time.monotonic() - started > limit_s:
            break
        feeds = draw_feeds(latent, label, batch_images, first=FIRST_SEED + number * batch_images)
        loss = compiled({name: tf.constant(values) for name, values in feeds.items()})
        shown(number + 1, float(loss))
    return _write(placed.model, layers)


def run_levels(
    graph: Graph, weights: Mapping[str, tf.Tensor], feeds: Mapping[str, tf.Tensor], end: str
) -> tf.Tensor:
    """The levels of pictures in [0, 255] before they are rounded, (n, all of one)."""
    levels = tf.clip_by_value(run_graph(graph, weights, feeds, end), 0.0, 255.0)
    return tf.reshape(levels, (tf.shape(feeds["latent"])[0], -1))


def _find_layers(placed: Placed, graph: Graph) -> list[Layer]:
    walk, layers = Walk(graph), []
    for node in graph.nodes:
        walk.take(node)
        known = placed.limits.get(node.input[1]) if node.op_type in LINEAR else None
        if known is not None and not read_linear(node, graph.constants).is_sum:
            layers.append(Layer(node, graph, walk, known))
    return layers


def _find_end(graph: Graph, floats: Graph) -> str:
    """What the levels are rounded from, in both graphs."""
    rounds = [
        node
        for node in graph.nodes
        if node.op_type in ("Round", "Floor") and node.input[0] in floats.producers
    ]
    return str(rounds[-1].input[0])


def _unstore(linear: Linear, stored: Array) -> Array:
    """(out, in of a group, taps) of weights as the operator stores them."""
    places = linear.store(np.arange(linear.weights.size).reshape(linear.weights.shape)).astype(np.int64)
    flat = np.empty(linear.weights.size)
    flat[places.ravel()] = stored.ravel()
    found: Array = flat.reshape(linear.weights.shape)
    return found


def _write(model: onnx.ModelProto, layers: list[Layer]) -> onnx.ModelProto:
    tuned = onnx.ModelProto()
    tuned.CopyFrom(model)
    tensors = {each.name: each for each in tuned.graph.initializer}
    for layer in layers:
        tensors[layer.name].CopyFrom(numpy_helper.from_array(layer.finish(), layer.name))
    prove_exact(tuned)
    return tuned
