"""Where the point lies of what is multiplied with, and added to, what another layer computed."""

from collections.abc import Callable

import numpy as np
import onnx

from foundation.grid.channels import Channels, reduce_unit
from foundation.grid.demands import FACTOR_BITS, FRACTION_BITS, Layout, Room
from foundation.grid.extents import LIMIT
from foundation.grid.filling import fill_sums
from foundation.grid.movement import MOVERS, Array
from foundation.grid.slopes import count_slope_steps, find_turned, turned_slope


class Points:
    """The products of two computed tensors: of each channel as many bits as keep it below 2²⁴."""

    def __init__(
        self, channels: Channels, room: Room, layout: Layout, known: Callable[[str], Array | None]
    ) -> None:
        """Begin with none; `known` says the unit of a tensor that others read as well."""
        self.channels, self.room, self.layout, self.known = channels, room, layout, known
        self.graph, self.ranges = channels.graph, channels.ranges
        self.points: dict[str, Array] = {}

    def sort_factors(self, moving: list[str], unit: Array) -> tuple[str, str]:
        """The factor that has a number for each of the product, and the one that is spread.

        Raises:
            ValueError: neither has, or they are of different ranks.
        """
        large, small = sorted(moving, key=lambda each: -self.ranges[each].low.size)
        shapes = [self.ranges[each].low.shape for each in (large, small)]
        if shapes[0] != unit.shape or len(shapes[1]) != len(unit.shape):
            raise ValueError("both factors are spread")
        return large, small

    def factor_unit(self, large: str, small: str) -> Array:
        """The unit of the large factor: one for each number of the small one."""
        known = self.known(large)
        if known is not None:
            return known
        over = tuple(axis for axis, side in enumerate(self.ranges[small].low.shape) if side == 1 and axis)
        unit = self.channels.choose_unit(large, None, FACTOR_BITS, over or (0,))
        return fill_sums(self.channels, self.ranges, large, unit, self.room)

    def point_products(self, node: onnx.NodeProto, moving: list[str], unit: Array) -> None:
        """Find where the point lies of a factor, and of what is added to its product: none passes 2²⁴."""
        for name, other in (moving, moving[::-1]):
            product = self.graph.producers.get(name)
            if product is None or product.op_type != "Mul" or len(self.graph.moving(product)) != 2:
                continue
            if not self.channels.is_sum(other):
                continue
            large, small = self.sort_factors(self.graph.moving(product), unit)
            added = self.ranges[other].greatest / np.abs(reduce_unit(unit, self.ranges[other].low.shape))
            self.point_factor((large, small), unit, self.factor_unit(large, small), added, node.output[0])
            if added.shape == self.ranges[small].low.shape:
                self.points[other] = self.points[small]

    def point_factor(
        self, factors: tuple[str, str], unit: Array, own: Array, added: Array, behind: str
    ) -> None:
        """Find where the point of the smaller factor lies; `added` is the most that the product meets."""
        large, small = factors
        shape = self.ranges[small].low.shape
        greatest = self.ranges[small].greatest / np.abs(reduce_unit(unit / own, shape))
        reach: float | Array = 2.0 ** (FACTOR_BITS - 1)
        if self.known(large) is not None:
            over = tuple(axis for axis, side in enumerate(shape) if side == 1)
            reach = (self.ranges[large].greatest / np.abs(own)).max(over, keepdims=True) + 1
        most = greatest * reach + added + 1
        room = LIMIT / (most * self._slope_steps(behind) * 1.01)
        self.points[small] = np.clip(np.floor(np.log2(room)), 0, FRACTION_BITS)

    def _slope_steps(self, name: str) -> int:
        """By what the slope that comes next multiplies whole numbers, and 1 without one."""
        readers = self.graph.readers.get(name, [])
        while len(readers) == 1 and readers[0].op_type in MOVERS:
            readers = self.graph.readers.get(readers[0].output[0], [])
        slopes: list[int] = [
            (turned_slope(each) if find_turned(self.graph, each.output[0]) else None)
            or count_slope_steps(each)
            for each in readers
            if each.op_type == "LeakyRelu"
        ]
        return max([1, *slopes])

    def behind_point(self, name: str, shape: tuple[int, ...]) -> Array:
        """The bits behind the point of a tensor of `shape`, for each of its numbers."""
        bits = np.broadcast_to(self.points.get(name, np.full(shape, FRACTION_BITS)), shape)
        fewer: Array = np.maximum(bits - self.room.fewer.get(name, 0), 0).astype(float)
        self.layout.wanted[name] = int(fewer.max())
        return fewer
