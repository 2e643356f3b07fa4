"""Training on several GPUs or machines at once: who takes part; `networks.replicas` says what is whose."""

import os
from collections.abc import Callable

import tensorflow as tf

from training.config import Configuration
from training.errors import ConfigurationError
from training.launch.gpus import explain_missing_gpu, inspect_gpus
from training.presets import find_preset, list_presets

Step = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def choose_strategy() -> tf.distribute.Strategy:
    """Return the workers of TF_CONFIG, or all GPUs of this machine, or, for one device, no strategy at all.

    It has to be called before TensorFlow computes anything.
    """
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.MultiWorkerMirroredStrategy()
    if len(tf.config.list_physical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Say whether this process is the one that writes; alone, it is."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec().as_dict():
        return True
    return resolver.task_type == "chief" or (
        "chief" not in resolver.cluster_spec().jobs and not resolver.task_id
    )


def distribute_step(strategy: tf.distribute.Strategy, train_step: Step, configuration: Configuration) -> Step:
    """Return the step that all replicas take together; for one replica it is `train_step` itself.

    Raises:
        ConfigurationError: the global batch cannot be split evenly, or the preset is for one device.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1:
        return train_step
    if not find_preset(configuration.preset).many_devices:
        others = list_presets(lambda preset: preset.many_devices)
        raise ConfigurationError(
            f"The preset '{configuration.preset}' trains on one device, not on {replicas}: what it draws, it "
            f"draws for one. Use --preset {others}."
        )
    if configuration.batch_size % replicas:
        raise ConfigurationError(
            f"batch_size={configuration.batch_size} is the batch of all {replicas} replicas together: "
            f"choose a multiple of {replicas}."
        )
    traced = train_step.python_function  # type: ignore[attr-defined]  # a nested tf.function could not reduce

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow ships no types
    def step(images: tf.Tensor, classes: tf.Tensor) -> tf.Tensor:
        losses = strategy.run(traced, args=(images, classes))
        return strategy.experimental_local_results(losses)[0]

    return step  # type: ignore[no-any-return]  # as above


def agree_by_all(strategy: tf.distribute.Strategy) -> Callable[[bool], bool]:
    """Return what says whether any worker wants something, so that all of them do it after the same step."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return lambda wanted: wanted

    @tf.function  # type: ignore[untyped-decorator]  # as above
    def count(wanted: tf.Tensor) -> tf.Tensor:
        return strategy.reduce(
            tf.distribute.ReduceOp.SUM, strategy.run(tf.identity, args=(wanted,)), axis=None
        )

    return lambda wanted: float(count(tf.constant(float(wanted)))) > 0


def require_same_step(strategy: tf.distribute.Strategy, step: int) -> None:
    """Raise ConfigurationError unless all workers go on from the same state."""
    if strategy.num_replicas_in_sync == 1:
        return

    @tf.function  # type: ignore[untyped-decorator]  # as above
    def sum_steps() -> tf.Tensor:
        return strategy.reduce(
            tf.distribute.ReduceOp.SUM, strategy.run(lambda: tf.constant(float(step))), axis=None
        )

    if int(sum_steps()) != step * strategy.num_replicas_in_sync:
        raise ConfigurationError(
            f"The workers go on from different states, this one from batch {step}: "
            "give all of them the same run folder."
        )


def require_gpus(promised: int) -> None:
    """Raise ConfigurationError where TensorFlow finds fewer GPUs than `promised`: no silent CPU."""
    found = len(tf.config.list_physical_devices("GPU"))
    if found < promised:
        raise ConfigurationError(
            f"This machine is said to have {promised} GPUs, but TensorFlow {tf.__version__} finds {found}. "
            f"{explain_missing_gpu(inspect_gpus()) or 'See nvidia-smi.'} Of the images, training-gpu is "
            "for GPUs, and training for instances without."
        )
