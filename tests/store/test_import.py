"""`ganymede import`: generators from elsewhere become releases that a service takes."""

import io
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from foundation.errors import ReleaseRefused
from foundation.latents import draw_latents
from foundation.onnx_runtime import onnxruntime
from foundation.processor import recorded_here
from foundation.store import FolderStore
from ganymede.imports.graph import ImportRefused
from ganymede.imports.release import prepare_release
from ganymede.imports.wishes import Wishes
from tests.conftest import run_server

EXPORTS = Path(__file__).parent / "exports"


def run_original(path: Path, **feeds: np.ndarray) -> np.ndarray:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, feeds)[0]


@pytest.mark.parametrize("file", ["dcgan.onnx", "dcgan-dynamo.onnx"])
def test_an_exported_dcgan_serves_the_pictures_that_it_drew_before(
    call_ganymede, tmp_path: Path, file: str
) -> None:
    models = tmp_path / "models"
    result = call_ganymede("import", EXPORTS / file, "--name", "dcgan", "--models", models)
    assert result.returncode == 0, result.stderr
    assert "(12), image" in result.stdout
    assert "nchw in [-1,1], 32×32×3" in result.stdout
    recorded = FolderStore(models).manifest("dcgan", "v1").golden.recorded_on
    assert recorded == recorded_here()
    verified = call_ganymede("verify", "dcgan@v1", "--models", models)
    assert verified.returncode == 0
    assert f"recorded on: {recorded.processor}" in verified.stdout
    assert call_ganymede("promote", "dcgan", "v1", "--models", models).returncode == 0
    images = run_original(EXPORTS / file, input=draw_latents(range(5, 9), 12)[:, :, None, None])
    expected = np.clip(np.round((images.transpose(0, 2, 3, 1) + 1) * 127.5), 0, 255)
    with run_server(models, tmp_path) as server:
        answer = httpx.post(f"{server.url}/generate", json={"seed": 5, "count": 4, "format": "npy"})
    served = np.load(io.BytesIO(answer.content))
    assert served.shape == (4, 32, 32, 3)
    assert np.abs(served.astype(int) - expected).max() <= 1
    assert np.asarray(Image.open(models / "dcgan/versions/v1/samples.png")).shape == (128, 128, 3)


def test_an_exported_generator_with_a_class_index_takes_classes_by_name(
    call_ganymede, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    result = call_ganymede(
        "import", EXPORTS / "conditional.onnx", "--name", "conditional", "--classes", "ant,bee,cat,dog,elk",
        "--promote", "production", "--models", models,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "class y (5)" in result.stdout
    images = run_original(EXPORTS / "conditional.onnx", z=draw_latents([7], 16), y=np.array([3], np.int64))
    expected = np.round(images.transpose(0, 2, 3, 1) * 255)
    output = tmp_path / "dog.npy"
    asked = call_ganymede(
        "generate", "conditional", "--seeds", "7", "--label", "dog", "-o", output, "--models", models
    )
    assert asked.returncode == 0, asked.stderr
    assert np.abs(np.load(output).astype(int) - expected).max() <= 1


def test_a_release_that_was_imported_twice_is_said_to_be_the_same(call_ganymede, tmp_path: Path) -> None:
    words = ("import", EXPORTS / "dcgan.onnx", "--name", "dcgan", "--models", tmp_path)
    assert "is the same as" not in call_ganymede(*words).stdout
    assert "dcgan@v2 is the same as dcgan@v1, but for its name" in call_ganymede(*words).stdout
    assert "is the same as" not in call_ganymede(*words, "--licence", "MIT").stdout


def test_a_release_that_was_imported_twice_is_the_next_version(call_ganymede, tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        result = call_ganymede(
            "import", EXPORTS / "dcgan.onnx", "--name", "dcgan", "--models", tmp_path, "--licence", "MIT"
        )
        assert f"Published dcgan@{version}" in result.stdout
    manifest = FolderStore(tmp_path).manifest("dcgan", "v2")
    assert manifest.licence == "MIT"
    assert manifest.training["imported_from"] == "dcgan.onnx"
    assert manifest.training["producer"].startswith("pytorch")


def build(
    folder: Path,
    *,
    inputs: dict[str, list[object]] | None = None,
    nodes: list[onnx.NodeProto] | None = None,
    side: int = 6,
    channels: int = 2,
    output: list[object] | None = None,
) -> Path:
    """A graph by hand: latent (n, 4) times ones, as (n, channels, side, side), unless said otherwise."""
    inputs = inputs or {"z": ["n", 4]}
    first = next(iter(inputs))
    nodes = nodes or [
        helper.make_node("MatMul", [first, "ones"], ["flat"]),
        helper.make_node("Reshape", ["flat", "shape"], ["picture"]),
    ]
    graph = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, output or ["n", channels, side, side])],
        [
            numpy_helper.from_array(np.ones((4, side * side * channels), np.float32), "ones"),
            numpy_helper.from_array(np.array([-1, channels, side, side]), "shape"),
        ],
    )
    path = folder / "by-hand.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())
    return path


def prepare(path: Path, folder: Path, **wishes: Any) -> str:
    target = folder / "release"
    target.mkdir(exist_ok=True)
    prepared = prepare_release(path, Wishes(**wishes), target, name="m", version="v1", licence="MIT")
    return prepared.description


NOISY = [
    helper.make_node("MatMul", ["z", "ones"], ["flat"]),
    helper.make_node("RandomNormalLike", ["flat"], ["noise"]),
    helper.make_node("Add", ["flat", "noise"], ["noisy"]),
    helper.make_node("Reshape", ["noisy", "shape"], ["picture"]),
]
OF_THE_BATCH = [
    helper.make_node("ReduceMean", ["z"], ["centre"], axes=[0]),
    helper.make_node("Sub", ["z", "centre"], ["centred"]),
    helper.make_node("MatMul", ["centred", "ones"], ["flat"]),
    helper.make_node("Reshape", ["flat", "shape"], ["raw"]),
    helper.make_node("Tanh", ["raw"], ["picture"]),
]
NOT_FINITE = [
    helper.make_node("Sub", ["z", "z"], ["zero"]),
    helper.make_node("Div", ["z", "zero"], ["infinite"]),
    helper.make_node("MatMul", ["infinite", "ones"], ["flat"]),
    helper.make_node("Reshape", ["flat", "shape"], ["picture"]),
]
CUSTOM = [helper.make_node("Magic", ["z"], ["picture"], domain="com.example")]


@pytest.mark.parametrize(
    ("graph", "wishes", "sentence"),
    [
        ({}, {}, "one or three channels"),
        ({"channels": 3, "side": 3}, {}, "say --layout nchw or nhwc"),
        ({"channels": 1}, {}, r"say what black and white are: --range -1,1 or 0,1 or 0,255"),
        ({"channels": 1}, {"value_range": "0,2"}, "--range 0,2: it is one of"),
        ({"channels": 1}, {"layout": "nhwc"}, "6 channels by --layout nhwc"),
        ({"channels": 1}, {"classes": "a,b"}, "takes no class"),
        ({"channels": 1}, {"latent": "w"}, "--latent w: the graph has z"),
        ({"channels": 1, "nodes": NOISY}, {}, "random numbers of its own"),
        ({"channels": 1, "nodes": OF_THE_BATCH}, {}, "depends on the others in its batch"),
        ({"channels": 1, "nodes": NOT_FINITE}, {}, "not finite"),
        ({"channels": 1, "nodes": CUSTOM}, {}, "custom operator com.example::Magic"),
        ({"inputs": {"a": ["n", 4], "b": ["n", 4]}}, {}, "Which of the inputs a, b is the class"),
        ({"inputs": {"a": ["n", 4], "b": ["n", 4], "e": ["n", 1]}}, {}, "at most a class"),
        ({"inputs": {"z": ["n", 4, 2, 2]}}, {}, r"a latent is float32 \(n, z\) or \(n, z, 1, 1\)"),
        ({"inputs": {"z": ["n", "size"]}}, {}, "a latent is float32"),
        ({"inputs": {"z": ["n", 5]}}, {}, "does not run on 4 latents"),
    ],
)
def test_what_cannot_be_told_or_served_is_refused_with_what_to_do(
    tmp_path: Path, graph: dict[str, Any], wishes: dict[str, str], sentence: str
) -> None:
    with pytest.raises((ImportRefused, ReleaseRefused), match=sentence):
        prepare(build(tmp_path, **graph), tmp_path, **wishes)


def test_a_range_or_layout_that_is_given_decides(tmp_path: Path) -> None:
    path = build(tmp_path, channels=3, side=3)
    assert "nhwc in [-1,1], 3×3×3" in prepare(path, tmp_path, layout="nhwc", value_range="-1,1")
    assert "nchw in [0,255], 3×3×3" in prepare(path, tmp_path, layout="nchw", value_range="0,255")


def test_a_graph_whose_weights_file_is_missing_is_refused(tmp_path: Path) -> None:
    shutil.copy(EXPORTS / "dcgan-dynamo.onnx", tmp_path)
    with pytest.raises(ImportRefused, match="cannot be read as an ONNX graph"):
        prepare(tmp_path / "dcgan-dynamo.onnx", tmp_path)


def test_the_class_must_be_known_in_number(tmp_path: Path) -> None:
    path = EXPORTS / "conditional.onnx"
    with pytest.raises(ImportRefused, match="the graph knows 5 classes"):
        prepare(path, tmp_path, classes="ant,bee")
    for many in ("10001", "999999999"):
        with pytest.raises(ImportRefused, match=f"--classes {many}: at most 10,000 are known here"):
            prepare(path, tmp_path, classes=many)
    for words in ("²", "9" * 5000):
        with pytest.raises(ImportRefused, match="the graph knows 5 classes"):
            prepare(path, tmp_path, classes=words)
    assert "class y (5)" in prepare(path, tmp_path)
    assert "class y (5)" in prepare(path, tmp_path, classes="5", scheme="numpy-randomstate-1")
