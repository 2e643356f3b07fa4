"""Tiny real generators: a few hundred weights in a real ONNX graph that follows the contract."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from foundation.grid.calibration import draw_feeds
from foundation.grid.placing import place
from foundation.images import Images, hash_images
from foundation.manifest import (
    Arithmetic,
    GoldenCheck,
    ImageOutput,
    LabelInput,
    LatentInput,
    Manifest,
    Outline,
    created_now,
)
from foundation.store import FolderStore, Store, describe_file, promote
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.requests.inputs import draw_seeds

GOLDEN_SEEDS = tuple(range(4))


@dataclass(frozen=True)
class TinyModel:
    """What may differ from one tiny model to the next."""

    name: str = "grey"
    version: str = "v1"
    latent: int = 6
    side: int = 8
    channels: int = 1
    classes: tuple[str, ...] = ()
    weight_seed: int = 0
    arithmetic: Arithmetic = "float"


def tiny_weights(model: TinyModel) -> tuple[np.ndarray, np.ndarray | None]:
    """Of the dense layer, (z, pixels), and of the classes, (classes, pixels), where there are any."""
    random = np.random.default_rng(model.weight_seed)
    pixels = model.side * model.side * model.channels
    kernel = random.standard_normal((model.latent, pixels)).astype(np.float32)
    if not model.classes:
        return kernel, None
    return kernel, random.standard_normal((len(model.classes), pixels)).astype(np.float32)


def tiny_graph(model: TinyModel) -> bytes:
    """A dense layer, tanh and the conversion to uint8: latent (batch, z) to image (batch, h, w, c)."""
    kernel, class_kernel = tiny_weights(model)

    def constant(name: str, value: object, dtype: type) -> onnx.TensorProto:
        return numpy_helper.from_array(np.array(value, dtype), name)

    tensors = [
        numpy_helper.from_array(kernel, "kernel"),
        constant("one", 1.0, np.float32),
        constant("half", 127.5, np.float32),
        constant("shape", [-1, model.side, model.side, model.channels], np.int64),
    ]
    nodes = [helper.make_node("MatMul", ["latent", "kernel"], ["from_latent"])]
    inputs = [helper.make_tensor_value_info("latent", TensorProto.FLOAT, ["batch", model.latent])]
    total = "from_latent"
    if class_kernel is not None:
        inputs.append(
            helper.make_tensor_value_info("label", TensorProto.FLOAT, ["batch", len(model.classes)])
        )
        tensors.append(numpy_helper.from_array(class_kernel, "class_kernel"))
        nodes.append(helper.make_node("MatMul", ["label", "class_kernel"], ["from_label"]))
        nodes.append(helper.make_node("Add", ["from_latent", "from_label"], ["total"]))
        total = "total"
    nodes += [
        helper.make_node("Tanh", [total], ["signed"]),
        helper.make_node("Add", ["signed", "one"], ["positive"]),
        helper.make_node("Mul", ["positive", "half"], ["levels"]),
        helper.make_node("Round", ["levels"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["bytes"], to=TensorProto.UINT8),
        helper.make_node("Reshape", ["bytes", "shape"], ["image"]),
    ]
    image = helper.make_tensor_value_info(
        "image", TensorProto.UINT8, ["batch", model.side, model.side, model.channels]
    )
    graph = helper.make_graph(nodes, "tiny", inputs, [image], tensors)
    built = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(built)
    if model.arithmetic == "exact":
        latent = LatentInput(size=model.latent)
        label = LabelInput(classes=model.classes) if model.classes else None
        built = place(built, draw_feeds(latent, label, 32), normal=True).model
    return built.SerializeToString()


def draw_golden(graph: bytes, outline: Outline) -> Images:
    """What the graph answers for the golden seeds."""
    inputs = draw_seeds(outline, GOLDEN_SEEDS)
    return Generator(outline, graph, cpu_device(1)).generate(inputs.latents, inputs.labels)


def record_levels_apart(root: Path, levels: int, *, arithmetic: Arithmetic = "float") -> Manifest:
    """A release `grey@v1` whose recorded pictures, but for a pixel that is `levels` apart, are what it draws.

    As if another processor had recorded it: one of 4,096 pixels rounds otherwise there.
    """
    model = TinyModel(side=32, arithmetic=arithmetic)
    manifest = publish_tiny_model(root, model)
    inputs = draw_seeds(manifest, GOLDEN_SEEDS)
    images = Generator(manifest, tiny_graph(model), cpu_device(1)).generate(inputs.latents).copy()
    level = int(images[0, 0, 0, 0])
    images[0, 0, 0, 0] = level + levels if level < 128 else level - levels
    folder = root / manifest.name / "versions" / manifest.version
    np.save(folder / "golden.npy", images)
    golden = manifest.golden.model_copy(update={"sha256": hash_images(images), "images": "golden.npy"})
    changed = manifest.model_copy(
        update={
            "arithmetic": arithmetic,
            "golden": golden,
            "files": (*manifest.files, describe_file(folder / "golden.npy")),
        }
    )
    (folder / "manifest.json").write_text(changed.model_dump_json())
    return changed


def publish_tiny_model(
    root: Path | Store,
    model: TinyModel,
    *,
    alias: str | None = "production",
    more: dict[str, Any] | None = None,
    **fields: Any,
) -> Manifest:
    """Publish a tiny model, golden check and all, and point `alias` at it.

    `more` is what `tests.tiny_projections.project_tiny_model` wrote; `fields` are of the manifest.
    """
    more = more or {"files": [], "paths": {}}
    store = FolderStore(root) if isinstance(root, Path) else root
    outline = Outline(
        model.name,
        model.version,
        LatentInput(size=model.latent),
        ImageOutput(height=model.side, width=model.side, channels=model.channels),
        LabelInput(classes=model.classes) if model.classes else None,
    )
    with tempfile.TemporaryDirectory() as folder:
        graph = Path(folder) / "generator.onnx"
        graph.write_bytes(tiny_graph(model))
        images = draw_golden(tiny_graph(model), outline)
        manifest = Manifest(
            name=model.name,
            version=model.version,
            created_at=created_now(),
            licence="Apache-2.0",
            latent=outline.latent,
            label=outline.label,
            image=outline.image,
            arithmetic=model.arithmetic,
            files=(describe_file(graph, device="any", precision="float32"), *more["files"]),
            golden=GoldenCheck(seeds=GOLDEN_SEEDS, scheme="philox-1", sha256=hash_images(images)),
            projection=more.get("projection"),
            **fields,
        )
        store.publish(manifest, {"generator.onnx": graph, **more["paths"]})
    if alias:
        promote(store, model.name, model.version, alias=alias)
    return manifest
