"""Generators whose every sum is one of integers: the same pictures on every processor and in every order."""

import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.images import hash_images
from foundation.manifest import GoldenCheck, ImageOutput, LabelInput, LatentInput, Manifest, Outline
from foundation.store import FolderStore, describe_file, promote
from tests.tiny_models import GOLDEN_SEEDS, draw_golden

LATENT = 6
GRID = 16.0  # latents and labels are rounded to sixteenths, the graph's first step
MOST = 16_384.0  # steps of that grid: no sum of them passes 2²⁴


@dataclass(frozen=True)
class ExactModel:
    """What differs from one to the next."""

    name: str
    version: str
    height: int
    width: int
    channels: int
    classes: tuple[str, ...] = ()
    distribution: str = "normal"
    weight_seed: int = 1


MODELS = (
    ExactModel("grey", "v1", 8, 8, 1, weight_seed=1),
    ExactModel("grey", "v2", 8, 8, 1, weight_seed=2),
    ExactModel("colour", "v1", 8, 8, 3, ("circle", "square", "star"), weight_seed=3),
    ExactModel("wide", "v1", 6, 10, 3, distribution="uniform", weight_seed=4),
)


def exact_graph(model: ExactModel) -> bytes:
    """Small whole weights, and latents and labels on a grid: no sum reaches 2²⁴ grid units."""
    random = np.random.default_rng(model.weight_seed)
    pixels = model.height * model.width * model.channels
    tensors = [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in (("grid", GRID), ("lowest", -MOST), ("highest", MOST))
    ]
    nodes, inputs, sums = [], [], []
    for name, size in (("latent", LATENT), ("label", len(model.classes))):
        if not size:
            continue
        weights = random.integers(-60, 61, (size, pixels)).astype(np.float32)
        tensors.append(numpy_helper.from_array(weights, f"{name}_weights"))
        inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", size]))
        nodes += [
            helper.make_node("Mul", [name, "grid"], [f"{name}_scaled"]),
            helper.make_node("Round", [f"{name}_scaled"], [f"{name}_rounded"]),
            helper.make_node("Clip", [f"{name}_rounded", "lowest", "highest"], [f"{name}_bounded"]),
            helper.make_node("MatMul", [f"{name}_bounded", f"{name}_weights"], [f"from_{name}"]),
        ]
        sums.append(f"from_{name}")
    total = sums[0]
    if len(sums) == 2:
        nodes.append(helper.make_node("Add", sums, ["total"]))
        total = "total"
    for name, value, dtype in (
        ("unit", 1 / GRID, np.float32),
        ("middle", 128.0, np.float32),
        ("least", 0.0, np.float32),
        ("most", 255.0, np.float32),
        ("shape", [-1, model.height, model.width, model.channels], np.int64),
    ):
        tensors.append(numpy_helper.from_array(np.array(value, dtype), name))
    nodes += [
        helper.make_node("Mul", [total, "unit"], ["levels"]),
        helper.make_node("Add", ["levels", "middle"], ["moved"]),
        helper.make_node("Round", ["moved"], ["rounded"]),
        helper.make_node("Clip", ["rounded", "least", "most"], ["clipped"]),
        helper.make_node("Cast", ["clipped"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "shape"], ["image"]),
    ]
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["batch", model.height, model.width, model.channels]
    )
    graph = helper.make_graph(nodes, "exact", inputs, [image], tensors)
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(built)
    return built.SerializeToString()


def _directions() -> bytes:
    file = io.BytesIO()
    np.savez(
        file,
        vectors=np.eye(2, LATENT, dtype=np.float32),
        strengths=np.array([2, 1], np.float32),
        names=np.array(["bright", "broad"]),
    )
    return file.getvalue()


def publish_exact_models(root: Path) -> FolderStore:
    """A store of all `MODELS`, the same to the byte whenever it is made."""
    store = FolderStore(root)
    for model in MODELS:
        outline = Outline(
            model.name,
            model.version,
            LatentInput(size=LATENT, distribution=model.distribution),
            ImageOutput(height=model.height, width=model.width, channels=model.channels),
            LabelInput(classes=model.classes) if model.classes else None,
        )
        images = draw_golden(exact_graph(model), outline)
        with tempfile.TemporaryDirectory() as folder:
            graph, directions = Path(folder) / "generator.onnx", Path(folder) / "directions.npz"
            graph.write_bytes(exact_graph(model))
            directions.write_bytes(_directions())
            manifest = Manifest(
                name=model.name,
                version=model.version,
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                licence="Apache-2.0",
                latent=outline.latent,
                label=outline.label,
                image=outline.image,
                files=(
                    describe_file(graph, device="any", precision="float32"),
                    describe_file(directions),
                ),
                golden=GoldenCheck(seeds=GOLDEN_SEEDS, scheme="philox-1", sha256=hash_images(images)),
                arithmetic="exact",
            )
            store.publish(manifest, {"generator.onnx": graph, "directions.npz": directions})
        promote(store, model.name, model.version, alias="production")
    return store
