"""Running a foreign graph, and the same graph wrapped, and holding one against the other."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

from ganymede.foreign_graph import ImportRefused, Signature
from ganymede.wrapping import Floats
from service.cores import usable_cores
from service.devices import cpu_device
from service.generator import Generator, Images
from service.golden import measure_difference
from service.inputs import Inputs
from service.manifest import Manifest

BATCH_IMAGES = 4
"""Pictures may be large, and the original gives four bytes for each of theirs."""
MAX_LEVELS = 1


def run_foreign(model: onnx.ModelProto, signature: Signature, inputs: Inputs) -> Floats:
    """The graph's own pictures, float32 (n, …), by its own names.

    Raises:
        ImportRefused: it does not run on any number of latents, or not twice alike.
    """
    latents = inputs.latents
    if signature.latent_rank == 4:
        latents = latents[:, :, None, None]  # (n, z, 1, 1)
    feeds: dict[str, Any] = {signature.latent: latents}
    if signature.label is not None and inputs.labels is not None:
        labels: Any = inputs.labels
        if signature.label_is_index:
            labels = labels.argmax(axis=1).astype(onnx.helper.tensor_dtype_to_np_dtype(signature.label_type))
            labels = labels.reshape((-1,) + (1,) * (signature.label_rank - 1))
        feeds[signature.label] = labels
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = usable_cores()
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        parts = [
            session.run(
                [signature.image], {key: value[start : start + BATCH_IMAGES] for key, value in feeds.items()}
            )[0]
            for start in range(0, len(latents), BATCH_IMAGES)
        ]
        again = session.run([signature.image], {key: value[:BATCH_IMAGES] for key, value in feeds.items()})[0]
    except Exception as error:  # ONNX Runtime's exceptions share no public base
        raise ImportRefused(
            f"The graph does not run on {BATCH_IMAGES} latents at once: {str(error)[:300]} "
            "Was it exported with a free batch dimension (dynamic_axes or dynamic_shapes)?"
        ) from error
    if not np.array_equal(parts[0], again, equal_nan=True):
        raise ImportRefused(
            "The same latents give other pictures each time: the graph draws random numbers of its own. "
            "Export it with its noise fixed."
        )
    images: Floats = np.concatenate(parts).astype(np.float32)
    return images


def generate_checked(manifest: Manifest, graph: Path, inputs: Inputs, expected: Images) -> Images:
    """The wrapped graph's pictures, once they are the original's, alone and in a batch."""
    generator = Generator(manifest, graph.read_bytes(), cpu_device(usable_cores()))
    parts = []
    for start in range(0, len(inputs.latents), BATCH_IMAGES):
        rows = slice(start, start + BATCH_IMAGES)
        labels = None if inputs.labels is None else inputs.labels[rows]
        parts.append(generator.generate(inputs.latents[rows], labels))
    images: Images = np.concatenate(parts)
    difference = measure_difference(images, expected)
    if difference.max_levels > MAX_LEVELS:
        raise ImportRefused(
            "Wrapped, the graph draws other pictures than before: "
            f"up to {difference.max_levels} levels of 255 apart."
        )
    alone = generator.generate(inputs.latents[:1], None if inputs.labels is None else inputs.labels[:1])
    if measure_difference(alone, images[:1]).max_levels > MAX_LEVELS:
        raise ImportRefused(
            "A picture depends on the others in its batch: call model.eval() before the export, "
            "so that batch normalisation uses what it learnt."
        )
    return images
