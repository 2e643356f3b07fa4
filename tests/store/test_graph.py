"""What a graph may contain, wherever in it the forbidden hides."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from foundation.errors import ReleaseRefused
from foundation.graphs.content import check_graph
from tests.tiny_models import TinyModel, tiny_graph


def external(name: str) -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.zeros(4, np.float32), name)
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    return tensor


def within_if(node: onnx.NodeProto, *tensors: onnx.TensorProto) -> onnx.NodeProto:
    """An `If` whose branches hold the node and the tensors."""
    result = helper.make_tensor_value_info("result", TensorProto.FLOAT, None)
    branch = helper.make_graph([node], "branch", [], [result], list(tensors))
    return helper.make_node("If", ["yes"], ["out"], then_branch=branch, else_branch=branch)


def model_of(*nodes: onnx.NodeProto, initializers: tuple[onnx.TensorProto, ...] = ()) -> onnx.ModelProto:
    return helper.make_model(helper.make_graph(list(nodes), "graph", [], [], list(initializers)))


IDENTITY = helper.make_node("Identity", ["x"], ["result"])
CUSTOM = helper.make_node("Magic", ["x"], ["result"], domain="com.example")
CONSTANT = helper.make_node("Constant", [], ["result"], value=external("hidden"))
SPARSE = helper.make_node(
    "Constant", [], ["result"],
    sparse_value=helper.make_sparse_tensor(
        external("hidden"), numpy_helper.from_array(np.zeros(4, np.int64), "i"), [9]
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (model_of(IDENTITY, initializers=(external("hidden"),)), "keeps 'hidden' in another file"),
        (model_of(CONSTANT), "keeps 'hidden' in another file"),
        (model_of(SPARSE), "keeps 'hidden' in another file"),
        (model_of(within_if(IDENTITY, external("hidden"))), "keeps 'hidden' in another file"),
        (model_of(within_if(within_if(CONSTANT))), "keeps 'hidden' in another file"),
        (model_of(CUSTOM), "custom operator com.example::Magic"),
        (model_of(within_if(within_if(CUSTOM))), "custom operator com.example::Magic"),
        (model_of(), "has no operators"),
    ],
)
def test_external_data_and_custom_operators_are_found_at_any_depth(
    model: onnx.ModelProto, sentence: str
) -> None:
    with pytest.raises(ReleaseRefused, match=f"m@v1: g.onnx .*{sentence}"):
        check_graph(model.SerializeToString(), "m@v1", "g.onnx")


@pytest.mark.parametrize("content", [b"", b"\0" * 1000, b"\x0a\xff\xff", b"<html>"])
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(ReleaseRefused, match=r"g\.onnx is not an ONNX graph"):
        check_graph(content, "m@v1", "g.onnx")


def test_a_function_that_the_graph_defines_itself_is_no_custom_operator() -> None:
    model = model_of(CUSTOM)
    model.functions.append(
        helper.make_function(
            "com.example", "Magic", ["x"], ["y"], [helper.make_node("Relu", ["x"], ["y"])], []
        )
    )
    check_graph(model.SerializeToString(), "m@v1", "g.onnx")
    model.functions[0].node.append(helper.make_node("Other", ["x"], ["z"], domain="com.example"))
    with pytest.raises(ReleaseRefused, match=r"com\.example::Other"):
        check_graph(model.SerializeToString(), "m@v1", "g.onnx")


def test_a_sound_graph_passes() -> None:
    check_graph(tiny_graph(TinyModel()), "m@v1", "g.onnx")
