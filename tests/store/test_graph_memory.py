"""Graphs of a few kilobytes that would take gigabytes: found before ONNX Runtime opens them."""

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foundation.errors import ReleaseRefused
from foundation.graphs import trial
from foundation.graphs.content import check_graph
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import TrialFailed, try_graph
from ganymede.imports.graph import ImportRefused
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S
from tests.store.foreign import SIZE, constant, draw_graph, prepare, value
from tests.tiny_models import TinyModel, tiny_graph

HUGE = 2**33
INT64 = np.int64


def node(operator: str, inputs: list[str], output: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], **attributes)


def spoiling(*nodes: onnx.NodeProto, constants: Sequence[onnx.TensorProto] = (), **kinds: Any) -> bytes:
    """A generator to whose pictures the sum of the tensor `huge` is added."""
    after = [
        *nodes,
        node("ReduceMax", ["huge"], "most", keepdims=0),
        node("Mul", ["most", "nothing"], "none"),
        node("Add", ["t", "none"], "image"),
    ]
    model = draw_graph(after=after, constants=[constant("nothing", 0), *constants], **kinds)
    return model.SerializeToString()


def loop_body(grown: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(
        [grown, node("Identity", ["going"], "goes")],
        "body",
        [
            value("step", [], TensorProto.INT64),
            value("going", [], TensorProto.BOOL),
            value("grows", None),
        ],
        [value("goes", [], TensorProto.BOOL), value("grown", None)],
    )


DOUBLED = loop_body(helper.make_node("Concat", ["grows", "grows"], ["grown"], axis=0))
FOREVER = loop_body(helper.make_node("Identity", ["grows"], ["grown"]))
LOOP = node("Loop", ["many", "yes", "start"], "huge", body=DOUBLED)
LOOP_CONSTANTS = [constant("many", 40, INT64), constant("yes", 1, np.bool_), constant("start", [0.0])]
BRANCH = helper.make_graph([node("ConstantOfShape", ["size"], "inner")], "branch", [], [value("inner", None)])
BOMBS = {
    "ConstantOfShape": spoiling(
        node("ConstantOfShape", ["size"], "huge"), constants=[constant("size", [HUGE], INT64)]
    ),
    "Expand": spoiling(
        node("Expand", ["nothing", "size"], "huge"), constants=[constant("size", [HUGE], INT64)]
    ),
    "Tile": spoiling(
        node("Tile", ["row", "size"], "huge"),
        constants=[constant("row", [0.0] * 8), constant("size", [HUGE // 8], INT64)],
    ),
    "Pad": spoiling(
        node("Pad", ["row", "size"], "huge"),
        constants=[constant("row", [0.0]), constant("size", [0, HUGE], INT64)],
    ),
    "Resize": spoiling(
        node("Resize", ["t", "", "scales"], "huge"), constants=[constant("scales", [1, 1, 6e4, 6e4])]
    ),
    "an outer product": spoiling(
        node("ConstantOfShape", ["size"], "row"),
        node("Reshape", ["row", "column_shape"], "column"),
        node("MatMul", ["column", "row"], "huge"),
        constants=[
            constant("size", [1, 2**17], INT64),
            constant("column_shape", [-1, 1], INT64),
        ],
    ),
    "doubling": spoiling(
        *(
            node("Concat", [f"c{index}"] * 2, f"c{index + 1}" if index < 39 else "huge", axis=0)
            for index in range(40)
        ),
        constants=[constant("c0", [0.0])],
    ),
    "doubled shapes": spoiling(
        *(node("Concat", [f"c{index}"] * 2, f"c{index + 1}", axis=0) for index in range(40)),
        node("Cast", ["c40"], "huge", to=TensorProto.FLOAT),
        constants=[constant("c0", [1], INT64)],
    ),
    "many kept": spoiling(
        *(node("ConstantOfShape", ["size"], f"c{index}") for index in range(40)),
        node("Concat", [f"c{index}" for index in range(40)], "huge", axis=0),
        constants=[constant("size", [2**24], INT64)],
    ),
    "Range": spoiling(
        node("Range", ["nothing", "end", "one"], "huge"),
        constants=[constant("end", 1e10), constant("one", 1)],
    ),
    "Loop": spoiling(LOOP, constants=LOOP_CONSTANTS),
    "If": spoiling(
        node("If", ["yes"], "huge", then_branch=BRANCH, else_branch=BRANCH),
        constants=[constant("yes", 1, np.bool_), constant("size", [HUGE], INT64)],
    ),
    "the latent's own numbers": spoiling(
        node("Abs", ["z"], "sizes"),
        node("ReduceMin", ["sizes"], "least", keepdims=0),
        node("Add", ["least", "much"], "more"),
        node("Reshape", ["more", "one_long"], "long"),
        node("Cast", ["long"], "size", to=TensorProto.INT64),
        node("ConstantOfShape", ["size"], "huge"),
        constants=[constant("much", 1e10), constant("one_long", [1], INT64)],
    ),
}


def is_told(content: bytes) -> bool:
    return check_memory(check_graph(content, "m@v1", "g.onnx"), {"z": (SIZE,)}, "m@v1", "g.onnx")


def latents(rows: int) -> dict[str, np.ndarray]:
    return {"z": np.ones((rows, SIZE), np.float32)}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_graph_that_would_take_gigabytes_is_refused_before_it_is_opened(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "MAX_BYTES", 2**30)
    try:
        assert not is_told(BOMBS[kind])
    except ReleaseRefused as refusal:
        assert re.search("m@v1: g.onnx(: the size of what| would take)", str(refusal))  # noqa: PT017 - what was raised is compared
        return
    with pytest.raises(TrialFailed, match="more than 1,073,741,824 bytes of memory"):
        try_graph(BOMBS[kind], latents(2))


def test_most_are_told_by_their_shapes_alone() -> None:
    untold = set()
    for kind, content in BOMBS.items():
        try:
            is_told(content)
            untold.add(kind)
        except ReleaseRefused:
            pass
    assert untold == {"Loop", "If"}


def test_a_batch_that_takes_its_square_is_refused() -> None:
    content = spoiling(
        node("Reshape", ["t", "column_shape"], "column"),
        node("Reshape", ["t", "row_shape"], "row"),
        node("MatMul", ["column", "row"], "huge"),
        constants=[constant("column_shape", [-1, 1], INT64), constant("row_shape", [1, -1], INT64)],
    )
    assert is_told(draw_graph().SerializeToString())
    big = onnx.load_model_from_string(content)
    wide = {tensor.name: tensor for tensor in big.graph.initializer}
    wide["w"].CopyFrom(constant("w", np.zeros((SIZE, 3 * 64 * 64))))
    wide["shape"].CopyFrom(constant("shape", [-1, 3, 64, 64], INT64))
    with pytest.raises(ReleaseRefused, match="grows faster than its batch"):
        is_told(big.SerializeToString())


def test_an_import_of_a_bomb_is_refused_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MAX_BYTES", 2**30)
    with pytest.raises(ReleaseRefused, match="the graph would take"):
        prepare(BOMBS["Expand"], tmp_path)
    with pytest.raises(ImportRefused, match="cannot be imported: it takes more than 1,073,741,824 bytes"):
        prepare(BOMBS["Loop"], tmp_path)


def test_a_graph_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TIMEOUT_S", 3)
    endless = spoiling(node("Loop", ["", "yes", "start"], "huge", body=FOREVER), constants=LOOP_CONSTANTS[1:])
    with pytest.raises(TrialFailed, match="it takes more than 3 s"):
        try_graph(endless, latents(1))


def test_a_graph_with_harmless_branches_is_tried_and_passes() -> None:
    small = onnx.load_model_from_string(BOMBS["If"])
    for tensor in small.graph.initializer:
        if tensor.name == "size":
            tensor.CopyFrom(constant("size", [4], INT64))
    content = small.SerializeToString()
    assert not is_told(content)
    answer = try_graph(content, latents(2), "image")
    assert answer is not None
    assert answer.shape == (2, 3, 8, 8)


def tag(number: int, content: bytes) -> bytes:
    """A protobuf field with a length."""
    length, size = b"", len(content)
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content


def deep(levels: int) -> bytes:
    """A graph in an attribute of a node in a graph, and so on."""
    content = b""
    for _ in range(levels):
        content = tag(1, tag(5, tag(6, content)))
    return tag(7, content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (tag(7, tag(1, b"") * 600_000), "more than 500,000 parts"),
        (tag(7, tag(5, tag(4, b"") * 600_000)), "more than 500,000 parts"),
        (tag(7, tag(5, tag(7, b"\1" * (2**26 + 1)))), "bytes of numbers of variable length"),
        (deep(40), "deep in each other"),
        (tag(7, tag(1, tag(4, b"Relu")) * 120_000), "more than 100,000 operators"),
        (b"\x3a\xff\xff\xff\xff\x0f", "is not an ONNX graph"),
        (b"\xff" * 20, "is not an ONNX graph"),
    ],
    ids=["nodes", "texts", "numbers", "deep", "operators", "cut off", "no number"],
)
def test_a_file_that_would_grow_in_memory_is_not_read(content: bytes, sentence: str) -> None:
    with pytest.raises(ReleaseRefused, match=f"m@v1: g.onnx .*{sentence}"):
        check_graph(content, "m@v1", "g.onnx")


def test_a_constant_that_claims_more_than_it_holds_is_refused() -> None:
    model = onnx.load_model_from_string(tiny_graph(TinyModel()))
    model.graph.initializer[0].dims[:] = [2**20, 2**20]
    with pytest.raises(ReleaseRefused, match="claims the shape"):
        check_graph(model.SerializeToString(), "m@v1", "g.onnx")
    sparse = helper.make_sparse_tensor(constant("s", [1.0]), constant("i", [0], INT64), [2**40])
    model = draw_graph()
    model.graph.sparse_initializer.append(sparse)
    with pytest.raises(ReleaseRefused, match=r"m@v1: g\.onnx: a sparse tensor would become"):
        check_graph(model.SerializeToString(), "m@v1", "g.onnx")


@pytest.mark.parametrize("model", ["fashion/versions/v2", "emoji/versions/v1"])
def test_the_bundled_models_need_no_trial(model: str) -> None:
    content = (REPOSITORY / "models" / model / "generator.onnx").read_bytes()
    graph = check_graph(content, "m@v1", "g.onnx")
    classes = graph.graph.input[1].type.tensor_type.shape.dim[1].dim_value
    assert check_memory(graph, {"latent": (64,), "label": (classes,)}, "m@v1", "g.onnx")


def test_looking_takes_little_memory_itself(tmp_path: Path) -> None:
    """Every bomb in one process that may have a gigabyte for its addresses."""
    for index, content in enumerate(BOMBS.values()):
        (tmp_path / f"{index}.onnx").write_bytes(content)
    script = f"""
import resource, pathlib
from foundation.errors import ReleaseRefused
from foundation.graphs.content import check_graph
from foundation.graphs.memory import check_memory
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in pathlib.Path({str(tmp_path)!r}).iterdir():
    try:
        check_memory(check_graph(path.read_bytes(), "m", "g"), {{"z": ({SIZE},)}}, "m", "g")
    except ReleaseRefused:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert int(done.stdout) < 100_000  # kilobytes
