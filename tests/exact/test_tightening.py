"""Where what goes into a convolution is bounded: not above what is worth its bits, and not below."""

import numpy as np

from foundation.grid import tightening
from foundation.grid.calibration import measure_ranges
from foundation.grid.channels import BELOW
from foundation.grid.extents import LIMIT
from foundation.grid.linear import read_linear
from foundation.grid.reading import Graph
from foundation.grid.tightening import tighten
from tests.exact.graphs import Writer, feeds_of, residual


def test_a_bound_cuts_off_as_much_as_it_may_and_no_more():
    """Of a channel's mean square, by the least of its greatest numbers that may be its bound."""
    random = np.random.default_rng(0)
    seen = random.uniform(-1, 1, (2, 20_000)) * [[1.0], [7.0]]
    seen = np.where(seen > 0, seen, 0.2 * seen)
    reaches = tightening._find_reaches(seen)
    for share, reach in zip(tightening._CUT_SHARES, reaches, strict=True):
        for channel, bound in zip(seen, reach, strict=True):
            cut = [
                np.mean((channel - np.clip(channel, -BELOW * ends, ends)) ** 2) / np.mean(channel**2)
                for ends in (bound, 0.9 * bound)
            ]
            assert np.isinf(bound) or (cut[0] <= share < cut[1])
    assert np.isfinite(reaches).sum() > 4


def test_bounds_stay_where_more_would_be_cut_off_than_rounding_costs():
    """A layer of few numbers has bits enough: nothing is cut off for more."""
    floats = residual()
    feeds = feeds_of(floats, 64)
    ranges = measure_ranges(floats, feeds)
    kept = tighten(Graph(floats), ranges, feeds)
    assert all(np.array_equal(kept[name].high, ranges[name].high) for name in ranges)


def test_bounds_are_narrowed_where_rare_peaks_cost_all_others_their_bits(monkeypatch):
    """What is cut off and what is rounded are less together than what is rounded up to the greatest.

    The fewer steps a sum has, the more there is to win: as many as a layer of 16 times the channels has each.
    """
    write = Writer(seed=9)
    leaky = write.add("Relu", write.add("Reshape", "latent", write.constant(np.array([-1, 16, 8, 8]))))
    planes = write.add("Transpose", write.add("Transpose", leaky, perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    last = write.add("Conv", planes, write.weights(3, 16, 3, 3), kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    floats = write.end(write.add("Transpose", last, perm=[0, 2, 3, 1]), (8, 8, 3), label=False)
    floats.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1024
    random = np.random.default_rng(0)
    feeds = {"latent": random.standard_normal((512, 1024)).astype(np.float32)}
    ranges, graph = measure_ranges(floats, feeds), Graph(floats)
    node = next(node for node in floats.graph.node if node.op_type == "Conv")
    linear, limit = read_linear(node, graph.constants), LIMIT / 16
    monkeypatch.setattr(tightening, "LIMIT", limit)
    kept = tighten(graph, ranges, feeds)
    assert {name for name in ranges if kept[name] is not ranges[name]} == {leaky, planes}
    before, after = (each[planes].high.max((0, 2, 3)) for each in (ranges, kept))
    assert (after > 0.5 * before).all()
    assert (after < 0.9 * before).sum() >= 12  # a channel of a single peak keeps it
    assert np.array_equal(kept[leaky].high, kept[planes].high)
    seen = np.maximum(feeds["latent"], 0).reshape(-1, 16, 8, 8)
    share = np.mean(np.maximum(seen - kept[leaky].high, 0) ** 2) / np.mean(seen**2)
    noise = [
        tightening.weigh_bits(linear, each[planes], limit, tightening.BOUNDED)[1] for each in (ranges, kept)
    ]
    assert noise[1] + share < 0.9 * noise[0]
