"""What a run says of itself before its first batch: its pictures, its device, the memory it takes."""

import os

import numpy as np
from rich.console import Console

from training.config import Configuration
from training.data import Pictures
from training.launch.gpus import describe_gpus, explain_missing_gpu, inspect_gpus
from training.launch.memory import estimate_bytes, read_limit
from training.launch.rewrites import wants_xla
from training.networks.precision import has_fast_bfloat16
from training.preset import describe_shape
from training.run.environment import processor_name

MOST_CLASSES = 12


def introduce(configuration: Configuration, pictures: Pictures, replicas: int, console: Console) -> None:
    """Print the block of lines that a run begins with."""
    for line in (
        f"pictures: {describe_pictures(configuration, pictures)}",
        f"training on: {describe_device(configuration)}",
        f"memory: {describe_memory(configuration, pictures, replicas)}",
    ):
        console.print(line, highlight=False, soft_wrap=True, markup=False)


def describe_pictures(configuration: Configuration, pictures: Pictures) -> str:
    """Return how many there are, of what shape and of which classes, each with its count."""
    shape, names = pictures.shape, pictures.shape.class_names
    kept = pictures.record.count - len(pictures.images) if pictures.record else 0
    held_out = f" ({kept:,} more {'is' if kept == 1 else 'are'} held out)" if kept > 0 else ""
    said = f"{len(pictures.images):,} of {configuration.data}{held_out}, {describe_shape(shape)}, "
    if not names:
        return f"{said}without classes"
    counts = np.bincount(np.asarray(pictures.labels, np.int64), minlength=len(names))
    listed = [f"{name} {count:,}" for name, count in zip(names, counts, strict=True)]
    more = f" and {len(listed) - MOST_CLASSES} more" if len(listed) > MOST_CLASSES else ""
    return f"{said}{len(names)} classes: {', '.join(listed[:MOST_CLASSES])}{more}"


def describe_device(configuration: Configuration) -> str:
    """Return what is trained on, and in which numbers: the GPUs, or the cores that this process may use."""
    inspection = inspect_gpus()
    if gpus := describe_gpus(inspection):
        return f"{gpus}, {configuration.precision}{', XLA' if wants_xla(configuration) else ''}"
    missing = "" if has_fast_bfloat16() else ", no bf16"
    cores = count_cores()
    said = f"{cores} core{'' if cores == 1 else 's'} of {processor_name()}"
    lost = ""
    if inspection.cards_on_the_bus or inspection.driver:
        lost = f". {explain_missing_gpu(inspection)}"
    return f"{said}, {configuration.precision}{missing}{lost}"


def count_cores() -> int:
    """Return how many cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        return os.cpu_count() or 1


def describe_memory(configuration: Configuration, pictures: Pictures, replicas: int) -> str:
    """Return the estimate of what a process takes, and of how much there is."""
    needed, limit = estimate_bytes(configuration, pictures.shape, replicas), read_limit()
    said = f"about {needed / 1e9:.1f} GB"
    return f"{said} of {limit / 1e9:.1f} GB here" if limit else said
