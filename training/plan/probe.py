"""A few real training steps, timed in a process of their own that is ended after three minutes at most.

Most of the time TensorFlow is loaded and the step compiled, which is not timed: the clock starts after that.
"""

import multiprocessing
import os
import time
from importlib.util import find_spec
from multiprocessing.connection import Connection

from pydantic import BaseModel, ConfigDict

from training.config import Configuration
from training.preset import PictureSet
from training.presets import find_preset
from training.shape import PictureShape

LIMIT_S = 180.0
"""For all of it; where the step is not compiled by then, nothing is measured."""
MEASURED_S = 20.0
"""After the first step."""
ENOUGH_STEPS = 40


class Measurement(BaseModel):
    """What the probe found; without steps it says why."""

    model_config = ConfigDict(frozen=True)

    device: str = ""
    steps: int = 0
    """After the first, on which everything is compiled."""
    images_per_s: float = 0.0
    peak_bytes: int = 0
    speed: float = 0.0
    """What this machine is worth in cores in float32; 0 where that is not known."""
    reason: str = ""
    """Why there are no steps."""


def run_probe(configuration: Configuration, shape: PictureShape, limit_s: float = LIMIT_S) -> Measurement:
    """Train on noise of that shape, `limit_s` seconds at most, and return how fast it went once compiled."""
    if find_spec("tensorflow") is None:
        return Measurement(
            reason="TensorFlow is not installed, so nothing was timed: pip install 'ganymede[training]'"
        )
    context = multiprocessing.get_context("spawn")  # TensorFlow does not bear a fork
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=measure,
        args=(sender, configuration.preset, configuration.model_dump_json(), shape.model_dump_json()),
        daemon=True,
    )
    process.start()
    sender.close()
    try:
        return listen(receiver, limit_s)
    finally:
        process.kill()
        process.join()
        receiver.close()


def listen(receiver: Connection, limit_s: float) -> Measurement:
    """Return the last that the probe said before it ended or its time was over.

    It says first that the step is compiled, and has `MEASURED_S` from then on.
    """
    last = Measurement(
        reason=f"no batch was done within {limit_s:.0f} s, in which TensorFlow is loaded and the step "
        "compiled: large pictures, or a machine with much to do. ganymede train says it once it is measured"
    )
    ends_s, compiled = time.monotonic() + limit_s, False
    try:
        while receiver.poll(max(0.0, ends_s - time.monotonic())):
            last = Measurement.model_validate_json(receiver.recv_bytes())
            if not compiled:
                compiled, ends_s = True, min(ends_s, time.monotonic() + MEASURED_S)
    except EOFError:
        pass
    return last


def measure(sender: Connection, preset: str, stored: str, shape_text: str) -> None:
    """Build the networks and take steps; say after each what was measured so far."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.dup2(
        os.open(os.devnull, os.O_WRONLY), 2
    )  # what TensorFlow tells of itself; errors go through `sender`
    try:
        configuration = find_preset(preset).configuration_class.model_validate_json(stored)
        take_steps(sender, configuration, PictureShape.model_validate_json(shape_text))
    except Exception as error:  # a probe never breaks a plan
        sentence = f"the probe failed ({type(error).__name__}: {str(error)[:200]})"
        sender.send_bytes(Measurement(reason=sentence).model_dump_json().encode())
    finally:
        sender.close()


def take_steps(sender: Connection, configuration: Configuration, shape: PictureShape) -> None:
    """Train on noise, and send a measurement of no steps after the first and of all others after each."""
    import numpy as np
    import tensorflow as tf

    from training.launch.choices import choose_automatic
    from training.launch.introduction import describe_device
    from training.launch.peak import measure_peak_bytes
    from training.launch.rewrites import choose_compiler
    from training.networks.precision import has_gpu, measure_cores
    from training.presets import build_gan

    configuration = choose_automatic(configuration, PictureSet(10_000, shape, on_gpu=has_gpu))
    choose_compiler(configuration)
    gan = build_gan(configuration, configuration.precision, shape, total_steps=1_000_000)
    draw = np.random.default_rng(0)
    count = configuration.batch_size
    side = (count, shape.height, shape.width, shape.channels)
    images = tf.constant(draw.uniform(-1, 1, side).astype(np.float32))
    classes = tf.constant(draw.integers(0, max(1, len(shape.class_names)), count))
    gan.train_step(images, classes).numpy()
    slow = "the step was compiled, and no other batch was done in the time that was left"
    sender.send_bytes(Measurement(reason=slow).model_dump_json().encode())
    start_s = time.monotonic()
    for step in range(1, ENOUGH_STEPS + 1):
        gan.train_step(images, classes).numpy()
        found = Measurement(
            device=describe_device(configuration),
            steps=step,
            images_per_s=round(step * count / (time.monotonic() - start_s), 2),
            peak_bytes=measure_peak_bytes(),
            speed=measure_cores(),
        )
        sender.send_bytes(found.model_dump_json().encode())
