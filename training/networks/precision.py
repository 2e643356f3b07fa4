"""Which numbers to compute in: bfloat16 where the hardware has it, float16 on older GPUs, else float32."""

import os
from pathlib import Path

import tensorflow as tf

from training.config import Precision

# With neither of these oneDNN emulates bfloat16, at a twenty-fifth of float32's speed. Measured on
# these networks, against float32: 1.8 times as fast with AMX, 1.3 times with AVX-512 (Zen 5).
BFLOAT16_CPU_FLAGS = frozenset({"amx_bf16", "avx512_bf16"})
AMX_FACTOR, AVX512_FACTOR = 1.8, 1.3
BFLOAT16_GPU_CAPABILITY, FLOAT16_GPU_CAPABILITY = (8, 0), (7, 0)
CPU_INFORMATION = Path("/proc/cpuinfo")


def choose_precision(*, bears_float16: bool = False) -> Precision:
    """Return the Keras dtype policy that trains fastest on this machine without harm to the pictures.

    Float16 is for GPUs that multiply it and no bfloat16, and for networks whose losses are scaled for it.
    """
    if has_fast_bfloat16():
        return "mixed_bfloat16"
    return "mixed_float16" if bears_float16 and has_fast_float16() else "float32"


def has_gpu() -> bool:
    """Say whether TensorFlow finds a GPU to train on."""
    return bool(tf.config.list_physical_devices("GPU"))


def has_fast_float16() -> bool:
    """Say whether the GPU TensorFlow will train on multiplies float16 natively; no processor is asked."""
    gpus = tf.config.list_physical_devices("GPU")
    details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
    return bool(details.get("compute_capability", (0, 0)) >= FLOAT16_GPU_CAPABILITY)


def has_fast_bfloat16() -> bool:
    """Say whether the device TensorFlow will train on multiplies bfloat16 natively."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
        return bool(details.get("compute_capability", (0, 0)) >= BFLOAT16_GPU_CAPABILITY)
    # Only oneDNN's kernels use those instructions; it is on unless switched off.
    if os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "0":
        return False
    return bool(BFLOAT16_CPU_FLAGS & cpu_flags(CPU_INFORMATION))


def measure_cores() -> float:
    """Return how many cores in float32 this machine's are worth, by what they train in; 0 for GPUs."""
    if has_gpu():
        return 0.0
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS
        cores = os.cpu_count() or 1
    if not has_fast_bfloat16():
        return float(cores)
    return cores * (AMX_FACTOR if "amx_bf16" in cpu_flags(CPU_INFORMATION) else AVX512_FACTOR)


def cpu_flags(path: Path) -> frozenset[str]:
    """Return the instruction set flags that Linux lists for the first CPU; none on other systems."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.partition(":")[2].split())
