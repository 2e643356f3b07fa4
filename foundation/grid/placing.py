"""A float graph placed on grids: the same layers, in numbers whose sums are whole."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import onnx

from foundation.grid.alpha import Alpha, cut_alpha
from foundation.grid.building import Builder
from foundation.grid.calibration import Feeds, Range, measure_ranges
from foundation.grid.demands import Layout, NotPlaceable, Room
from foundation.grid.ending import fill_end, find_end
from foundation.grid.enlarging import write_resizes
from foundation.grid.folding import fold
from foundation.grid.linear import LINEAR, read_linear
from foundation.grid.merging import merge
from foundation.grid.movement import MOVERS, Array, move
from foundation.grid.parting import ReadInTwoUnits, part
from foundation.grid.placement import Placement
from foundation.grid.proof import Proof, prove_exact
from foundation.grid.reading import Graph
from foundation.grid.refining import Refiner
from foundation.grid.tightening import tighten
from foundation.grid.translation import Translation
from foundation.grid.trimming import trim

LATENT_BITS, LABEL_BITS = 11, 10
"""Behind the point of what lies in [-1, 1]: of latents, three fewer if they are normal, and of labels."""
NORMAL_RANGE = 8.0
MOST_LEVEL = 255.0
"""Of what another graph has drawn, which goes into this one."""
REFINING_IMAGES = 192
_MAX_TRIES = 60


@dataclass(frozen=True)
class Placed:
    """An exact graph, and where it comes from."""

    model: onnx.ModelProto
    proof: Proof
    limits: Mapping[str, float]
    """For each layer's weights the steps that no sum may pass; below 2²⁴ where sums are added afterwards."""
    folded: onnx.ModelProto
    """The float graph that it comes from, as ONNX Runtime simplifies it; up to a division by alpha."""


def place(model: onnx.ModelProto, feeds: Feeds, *, normal: bool) -> Placed:
    """Place a float graph on grids, by its ranges over `feeds`; `normal` are latents that are not uniform.

    Raises:
        NotPlaceable: an operator has no place on a grid.
    """
    folded = fold(model)
    alpha = cut_alpha(folded)
    if alpha is not None:
        folded = alpha.floats
    measured = measure_ranges(folded, feeds)
    while True:
        try:
            return _place(folded, alpha, measured, feeds, normal=normal)
        except ReadInTwoUnits as shared:
            folded, copied = part(folded, shared)
            measured |= {copy: measured[name] for name, copy in copied.items() if name in measured}


def _place(
    folded: onnx.ModelProto,
    alpha: Alpha | None,
    measured: dict[str, Range],
    feeds: Feeds,
    *,
    normal: bool,
) -> Placed:
    graph = Graph(folded)
    end, ranges = find_end(graph, measured), tighten(graph, measured, feeds)
    bounds = _bound_inputs(graph, normal=normal)
    given = _move_given(
        graph, {name: np.full(shape, bounds[name][0]) for name, shape in graph.inputs.items()}
    )
    room, refiner, filled = Room(), None, False
    for _ in range(_MAX_TRIES):
        layout = Placement(graph, ranges, given, room).walk(end.name, end.unit)
        work = Translation(graph, ranges, layout, end, room, Builder(folded, refiner))
        failed = work.build(bounds)
        if failed is None and not filled:
            before, filled = end, True
            end = fill_end(graph, ranges, end, work.share_end())
            room.widen(before.unit / end.unit)
        elif failed is None and refiner is None:
            refiner = Refiner(folded, feeds, REFINING_IMAGES)
        elif failed is None:
            model, limits = merge(work.builder.model, work.builder.limits)
            model = write_resizes(trim(model))
            if alpha is not None:
                model = alpha.finish(model)
            return Placed(model, prove_exact(model), limits, folded)
        elif not _make_room(graph, failed[0], room, layout):
            raise NotPlaceable(f"{graph.name(failed[0])}: {failed[1]}.")
    raise NotPlaceable("No grid was found on which the graph's sums stay below 2^24.")


def _bound_inputs(graph: Graph, *, normal: bool) -> dict[str, tuple[float, float, float]]:
    """Of each input: its unit, and the whole numbers that bound it."""
    latent_bits = LATENT_BITS - 3 if normal else LATENT_BITS
    most = (NORMAL_RANGE if normal else 1.0) * 2.0**latent_bits
    known = {
        "latent": (2.0**-latent_bits, -most, most),
        "label": (2.0**-LABEL_BITS, 0.0, 2.0**LABEL_BITS),
        "levels": (1.0, 0.0, MOST_LEVEL),
    }
    return {name: known[name] for name in graph.inputs}


def _move_given(graph: Graph, given: dict[str, Array]) -> dict[str, Array]:
    """The units of the inputs, and of all that only moves them about, or scales or shifts them."""
    for node in graph.nodes:
        moving = graph.moving(node)
        if len(moving) == 1 and moving[0] in given and (unit := _shift_given(graph, node, given[moving[0]])):
            given[node.output[0]] = unit[0]
        if node.op_type in MOVERS and moving and all(name in given for name in moving):
            try:
                arrays = move(node, [given[name] for name in moving], graph.constants)
            except ValueError as error:
                raise NotPlaceable(f"{graph.name(node)}: {error}.") from error
            given.update(zip(node.output, arrays, strict=True))
    return given


def _shift_given(graph: Graph, node: onnx.NodeProto, unit: Array) -> list[Array]:
    """The unit behind a constant that is added to what has `unit`, or multiplied with it; none for others."""
    if node.op_type not in ("Add", "Sub", "Mul") or (
        node.op_type == "Sub" and node.input[0] in graph.constants
    ):
        return []
    constants = [graph.constants[name] for name in node.input if name in graph.constants]
    if len(constants) != 1 or np.broadcast_shapes(unit.shape, constants[0].shape) != unit.shape:
        return []
    factor = np.abs(constants[0]).astype(np.float64) if node.op_type == "Mul" else np.ones(())
    return [unit * np.where(factor == 0, 1, factor)]


def _make_room(graph: Graph, node: onnx.NodeProto, room: Room, layout: Layout) -> bool:
    """Give up a bit of what `node`'s sum comes from; False where nothing can be given up."""
    fractions: set[str] = set()
    sums: set[str] = set()
    waiting = list(graph.moving(node)) if node.op_type not in LINEAR else []
    if node.op_type in LINEAR and read_linear(node, graph.constants).is_sum:
        waiting = graph.moving(node)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        producer = graph.producers.get(name)
        if name in seen or producer is None:
            continue
        seen.add(name)
        if layout.wanted.get(name, 0) > 0:
            fractions.add(name)
        elif name in layout.fractions and not (layout.fractions[name] > 0).any():
            continue
        elif producer.op_type in LINEAR and not read_linear(producer, graph.constants).is_sum:
            sums.add(name)
        else:
            waiting += graph.moving(producer)
    for name in fractions:
        room.fewer[name] = room.fewer.get(name, 0) + 1
    if fractions:
        return True
    room.lower(sums, joined=node.op_type == "ReduceSum")
    return bool(sums)
