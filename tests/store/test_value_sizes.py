"""Graphs that are small for one latent and huge for another: refused, whatever a trial would say."""

from itertools import pairwise

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.errors import ReleaseRefused
from foundation.graphs.content import check_graph
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import try_graph
from tests.store.foreign import SIZE, constant, value
from tests.store.test_graph_memory import INT64, latents, node, spoiling

COUNTED = (  # some number of the latent, beyond a million: nothing for those that a trial draws
    node("Abs", ["z"], "sizes"),
    node("ReduceMax", ["sizes"], "largest", keepdims=0),
    node("Sub", ["largest", "million"], "over"),
    node("Relu", ["over"], "above"),
    node("Cast", ["above"], "number", to=TensorProto.INT64),
    node("Add", ["number", "one"], "count"),
    node("Reshape", ["count", "one_long"], "size"),
)
CONSTANTS = [constant("million", 1e6), constant("one", 1, INT64), constant("one_long", [1], INT64)]
ROW, ROWS = constant("row", [0.0] * 8), constant("rows", [[0.0] * 8])


def within(*nodes, output="inner"):
    return helper.make_graph([*nodes], "within", [], [value(output, None)])


def body(*nodes):
    """Of a loop that carries `kept` and `seen`."""
    going = [value("step", [], TensorProto.INT64), value("going", [], TensorProto.BOOL)]
    return helper.make_graph(
        [*nodes, node("Identity", ["going"], "goes")],
        "body",
        [*going, value("kept", None), value("seen", None)],
        [value("goes", [], TensorProto.BOOL), value("keeps", None), value("sees", None)],
    )


LOOP = [constant("few", 2, INT64), constant("yes", 1, np.bool_), constant("start", [0.0])]
SAME, AGAIN = node("Identity", ["kept"], "keeps"), node("Identity", ["seen"], "sees")


def loop(graph, count="few", seen="start"):
    return helper.make_node("Loop", [count, "yes", "start", seen], ["huge", "rest"], body=graph)


def function(*nodes):
    return helper.make_function("here", "F", ["x", "s"], ["y"], [*nodes], [helper.make_opsetid("", 17)])


def calling(*nodes, size="size"):
    model = onnx.load_model_from_string(
        spoiling(
            *COUNTED,
            helper.make_node("F", ["row", size], ["huge"], domain="here"),
            constants=[*CONSTANTS, ROW, constant("three", [3], INT64)],
        )
    )
    model.functions.append(function(*nodes))
    model.opset_import.append(helper.make_opsetid("here", 1))
    return model.SerializeToString()


def following(*nodes, constants=()):
    return spoiling(*COUNTED, *nodes, constants=[*CONSTANTS, ROW, *constants])


FOLLOWING = {
    "ConstantOfShape": following(node("ConstantOfShape", ["size"], "huge")),
    "Expand": following(node("Expand", ["million", "size"], "huge")),
    "Tile": following(node("Tile", ["row", "size"], "huge")),
    "Range": following(node("Range", ["one", "count", "one"], "span"), node("Cast", ["span"], "huge", to=1)),
    "Pad": following(node("Concat", ["size", "size"], "both", axis=0), node("Pad", ["row", "both"], "huge")),
    "Resize": following(
        node("Cast", ["size"], "scales", to=TensorProto.FLOAT), node("Resize", ["row", "", "scales"], "huge")
    ),
    "by way of a choice": following(
        node("Greater", ["largest", "million"], "large"),
        node("Where", ["large", "much", "little"], "chosen"),
        node("ConstantOfShape", ["chosen"], "huge"),
        constants=[constant("much", [2**33], INT64), constant("little", [1], INT64)],
    ),
    "by way of what is not zero": following(
        node("Greater", ["z", "million"], "large"),
        node("NonZero", ["large"], "places"),
        node("Shape", ["places"], "shape"),
        node("Mul", ["shape", "much"], "more"),
        node("ConstantOfShape", ["more"], "huge"),
        constants=[constant("much", [2**33], INT64)],
    ),
    "in a branch": following(
        node(
            "If",
            ["yes"],
            "huge",
            **dict.fromkeys(
                ("then_branch", "else_branch"), within(node("ConstantOfShape", ["size"], "inner"))
            ),
        ),
        constants=[constant("yes", 1, np.bool_)],
    ),
    "by a branch": following(
        node("Greater", ["largest", "million"], "large"),
        node(
            "If",
            ["large"],
            "huge",
            then_branch=within(node("ConstantOfShape", ["much"], "inner")),
            else_branch=within(node("Identity", ["row"], "inner")),
        ),
        constants=[constant("much", [2**33], INT64)],
    ),
    "a loop's count": following(
        loop(body(node("Concat", ["kept", "kept"], "keeps", axis=0), AGAIN), count="count"), constants=LOOP
    ),
    "a loop's end": following(
        loop(
            helper.make_graph(
                [
                    node("Concat", ["kept", "kept"], "keeps", axis=0),
                    node("Greater", ["largest", "million"], "goes"),
                    AGAIN,
                ],
                "body",
                list(body(SAME, AGAIN).input),
                list(body(SAME, AGAIN).output),
            )
        ),
        constants=LOOP,
    ),
    "what a loop carries": following(
        loop(
            body(
                node("Cast", ["seen"], "wide", to=TensorProto.INT64),
                node("ConstantOfShape", ["wide"], "keeps"),
                node("Mul", ["largest", "start"], "sees"),
            )
        ),
        constants=LOOP,
    ),
    "in a function": calling(node("Tile", ["x", "s"], "y")),
}
INNOCENT = {
    "a branch": following(
        node(
            "If",
            ["yes"],
            "huge",
            **dict.fromkeys(("then_branch", "else_branch"), within(node("Mul", ["largest", "row"], "inner"))),
        ),
        constants=[constant("yes", 1, np.bool_)],
    ),
    "a loop over numbers": following(
        loop(body(node("Mul", ["kept", "largest"], "keeps"), AGAIN), seen="row"), constants=LOOP
    ),
    "a shape in a loop": following(
        loop(
            body(
                node("Shape", ["z"], "shape"),
                node("Mul", ["seen", "largest"], "sees"),
                node("ConstantOfShape", ["shape"], "keeps"),
            )
        ),
        constants=LOOP,
    ),
    "a function": calling(
        node("Shape", ["s"], "shape"), node("ConstantOfShape", ["shape"], "y"), size="size"
    ),
    "a function of a constant": calling(node("Tile", ["x", "s"], "y"), size="three"),
}


def check(content):
    return check_memory(check_graph(content, "m@v1", "g.onnx"), {"z": (SIZE,)}, "m@v1", "g.onnx")


@pytest.mark.parametrize("kind", FOLLOWING)
def test_a_graph_whose_sizes_follow_the_numbers_it_is_given_is_refused(kind):
    with pytest.raises(
        ReleaseRefused, match=r"^m@v1: g\.onnx: .*follows the numbers that the graph is given"
    ):
        check(FOLLOWING[kind])


@pytest.mark.parametrize("kind", ["Tile", "a loop's count", "in a function"])
def test_its_trial_would_have_passed(kind):
    assert try_graph(FOLLOWING[kind], latents(2), "image").shape == (2, 3, 8, 8)


@pytest.mark.parametrize("kind", INNOCENT)
def test_numbers_that_size_nothing_are_left_to_the_trial(kind):
    assert not check(INNOCENT[kind])


def test_graphs_deep_within_each_other_are_refused_soon(monkeypatch):
    monkeypatch.setattr("foundation.graphs.value_sizes._MOST_NAMES", 20_000)
    names = [f"v{index}" for index in range(12)]
    graph = None
    for _ in range(8):
        turned = [node("Identity", [f"{name}i"], f"{after}o") for name, after in pairwise(names)]
        inner = (
            []
            if graph is None
            else [
                helper.make_node(
                    "Loop",
                    ["few", "yes", *[f"{name}i" for name in names]],
                    [f"{name}x" for name in names],
                    body=graph,
                )
            ]
        )
        graph = helper.make_graph(
            [*turned, node("Mul", ["v11i", "largest"], "v0o"), *inner, node("Identity", ["going"], "goes")],
            "body",
            [
                value("step", [], TensorProto.INT64),
                value("going", [], TensorProto.BOOL),
                *[value(f"{name}i", None) for name in names],
            ],
            [value("goes", [], TensorProto.BOOL), *[value(f"{name}o", None) for name in names]],
        )
    content = following(
        helper.make_node("Loop", ["few", "yes", *["start"] * 12], ["huge", *names[1:]], body=graph),
        constants=LOOP,
    )
    with pytest.raises(ReleaseRefused, match="too long to look through them"):
        check(content)
