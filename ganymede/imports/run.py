"""Running a foreign graph, and the same graph wrapped, and holding one against the other."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from foundation.errors import ReleaseRefused
from foundation.graphs.memory import check_memory
from foundation.graphs.trial import TrialFailed, try_graph
from foundation.images import Images, measure_difference
from foundation.manifest import Difference, Outline
from foundation.onnx_runtime import onnxruntime
from ganymede.imports.file import ForeignFile
from ganymede.imports.graph import ImportRefused, Signature
from ganymede.imports.wrapping import Floats
from service.engine.cores import usable_cores
from service.engine.devices import cpu_device
from service.engine.generator import Generator
from service.requests.inputs import Inputs

BATCH_IMAGES = 4
"""Pictures may be large, and the original gives four bytes for each of theirs."""
MAX_LEVELS = 1

_FREE_BATCH = "Was it exported with a free batch dimension (dynamic_axes or dynamic_shapes)?"
_TOO_NEW = (
    (r"Unsupported model IR version: (\d+), max supported IR version: (\d+)", "IR version"),
    (r"Opset (\d+) is under development.*?till opset (\d+)", "opset"),
)
"""ONNX Runtime's own words; which versions it reads depends on its own."""


def run_foreign(file: ForeignFile, signature: Signature, inputs: Inputs) -> Floats:
    """The pictures that the file's own bytes draw, float32 (n, …): nothing of it is converted before.

    Raises:
        ImportRefused: it does not run, or not twice alike.
        ReleaseRefused: it takes more memory than a release may.
    """
    feeds = _name_feeds(signature, inputs)
    size = signature.batch or BATCH_IMAGES
    chunks = [
        {key: _pad(value[start : start + size], size) for key, value in feeds.items()}
        for start in range(0, len(inputs.latents), size)
    ]
    graph = (
        _with_floats(file.model, signature) if signature.image_type == TensorProto.BFLOAT16 else file.content
    )
    output = "ganymede/floats" if signature.image_type == TensorProto.BFLOAT16 else signature.image
    shapes = {name: value.shape[1:] for name, value in feeds.items()}
    try:
        if not check_memory(file.model, shapes, file.path.name, "the graph"):
            try_graph(graph, chunks[0])
        session = _open(graph)
        parts = [session.run([output], chunk)[0] for chunk in chunks]
        again = session.run([output], chunks[0])[0]
    except ReleaseRefused:
        raise
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ImportRefused(_explain(error, size)) from error
    if not isinstance(parts[0], np.ndarray) or parts[0].shape[:1] != (size,):
        raise ImportRefused(
            f"The output {signature.image} of {size} latents is {getattr(parts[0], 'shape', 'no tensor')}: "
            "pictures are (n, c, h, w) or (n, h, w, c), one for each latent."
        )
    if not np.array_equal(parts[0], again, equal_nan=parts[0].dtype.kind == "f"):
        raise ImportRefused(
            "The same latents give other pictures each time: the graph draws random numbers of its own. "
            "Export it with its noise fixed."
        )
    images: Floats = np.concatenate(parts)[: len(inputs.latents)].astype(np.float32)
    return images


def _explain(error: Exception, size: int) -> str:
    said = str(error)
    for pattern, what in _TOO_NEW:
        if found := re.search(pattern, said, re.DOTALL):
            return (
                f"The file is of {what} {found[1]}, and this ONNX Runtime "
                f"({onnxruntime.__version__}) reads up to {found[2]}: export it with an older one, such as "
                "opset_version=17, or by an older onnx."
            )
    if isinstance(error, TrialFailed) and ("memory" in said or "signal" in said or " s" in said[-3:]):
        return f"The graph cannot be imported: {said}."
    reason = said.removeprefix("[ONNXRuntimeError] : ")
    reason = re.sub(r"/\S*onnxruntime/\S+\s(?:\S+::\S+\(.*?\) )?", "", reason)[:300]
    if found := re.search(r"Could not find an implementation for (\w+)\((\d+)\)", said):
        return (
            f"ONNX Runtime {onnxruntime.__version__} has no {found[1]} as of opset {found[2]}: "
            "export the graph again with opset_version=17, or without that operator."
        )
    return f"The graph does not run on {size} latents at once: {reason} {_FREE_BATCH}"


def _name_feeds(signature: Signature, inputs: Inputs) -> dict[str, Any]:
    latents: Any = inputs.latents.astype(helper.tensor_dtype_to_np_dtype(signature.latent_type))
    if signature.latent_rank == 4:
        latents = latents[:, :, None, None]  # (n, z, 1, 1)
    feeds: dict[str, Any] = {signature.latent: latents}
    if signature.label is not None and inputs.labels is not None:
        labels: Any = inputs.labels
        kind = helper.tensor_dtype_to_np_dtype(signature.label_type)
        if signature.label_is_index:
            labels = labels.argmax(axis=1).reshape((-1,) + (1,) * (signature.label_rank - 1))
        feeds[signature.label] = labels.astype(kind)
    return feeds


def _pad(rows: Any, size: int) -> Any:
    """Rows (m, …) with the last of them again until there are `size`."""
    return np.concatenate([rows, np.repeat(rows[-1:], size - len(rows), axis=0)])


def _with_floats(original: onnx.ModelProto, signature: Signature) -> bytes:
    """The graph with its bfloat16 picture in float32 as well, which is exact: NumPy has no bfloat16."""
    model = onnx.ModelProto()
    model.CopyFrom(original)
    model.graph.node.append(
        helper.make_node("Cast", [signature.image], ["ganymede/floats"], to=TensorProto.FLOAT)
    )
    model.graph.output.append(helper.make_tensor_value_info("ganymede/floats", TensorProto.FLOAT, None))
    return bytes(model.SerializeToString())


def _open(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = usable_cores()
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def generate_checked(
    outline: Outline, graph: Path, inputs: Inputs, expected: Images
) -> tuple[Images, Difference]:
    """The wrapped graph's pictures, once they are the original's, alone and in a batch; and how near.

    Raises:
        ImportRefused: they are not.
    """
    try:
        generator = Generator(outline, graph.read_bytes(), cpu_device(usable_cores()))
    except ReleaseRefused as error:
        raise ImportRefused(f"Wrapped, the graph cannot be served: {error} {_FREE_BATCH}") from error
    parts = []
    for start in range(0, len(inputs), BATCH_IMAGES):
        part = inputs.part(start, start + BATCH_IMAGES)
        try:
            parts.append(generator.generate(part.latents, part.labels))
        except Exception as error:  # ONNX Runtime's exceptions share no public base
            raise ImportRefused(_explain(error, BATCH_IMAGES)) from error
    images: Images = np.concatenate(parts)
    if images.shape != expected.shape:
        raise ImportRefused(
            f"{BATCH_IMAGES} latents at once give {images.shape}, one by one {expected.shape}. "
            "Export the graph with a free batch dimension (dynamic_axes or dynamic_shapes)."
        )
    difference = measure_difference(images, expected)
    if difference.max_levels > MAX_LEVELS:
        raise ImportRefused(
            "Wrapped, the graph draws other pictures than before: "
            f"up to {difference.max_levels} levels of 255 apart, in {difference.pixels_differing:.2%} of the "
            "pixels."
        )
    first = inputs.part(0, 1)
    alone = generator.generate(first.latents, first.labels)
    if measure_difference(alone, images[:1]).max_levels > MAX_LEVELS:
        raise ImportRefused(
            "A picture depends on the others in its batch: call model.eval() before the export, "
            "so that batch normalisation uses what it learnt."
        )
    return images, difference
