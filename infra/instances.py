"""What a type of instance is to this image: built for x86-64, with CUDA 13 for GPUs."""

import re

_TURING_AND_LATER = ("g4dn", "g5", "g6", "g6e", "gr6", "g7", "g7e")
_AMPERE_AND_LATER = ("p4d", "p4de", "p5", "p5e", "p5en", "p6-b200", "p6-b300")
GPU_FAMILIES = frozenset(_TURING_AND_LATER + _AMPERE_AND_LATER)
"""CUDA 13 has left what is older (p2, p3: Kepler, Volta)."""
_FOREIGN = re.compile(r"(inf|trn|dl|vt|f)\d.*|g4ad|g3s?|p[23](dn)?|p6e-gb\d+|[a-z]+\d+[a-z]*g[a-z]*|a1|mac.*")
"""Other accelerators, GPUs that are not NVIDIA's or too old, and ARM (a `g` behind the generation)."""

INFERENCE_AMI = "al2023-ami-sagemaker-inference-gpu-4-1"
INFERENCE_AMI_CUDA = 13
"""SageMaker's AMI with driver 580 (CUDA 13.0); its default for g4dn and g5 is driver 470 (CUDA 11.4)."""


def family_of(instance_type: str) -> str:
    """The family of `g5.xlarge` or `ml.g5.xlarge`: `g5`."""
    return instance_type.removeprefix("ml.").partition(".")[0]


def has_gpu(instance_type: str) -> bool:
    """Whether the image runs on CUDA there."""
    return family_of(instance_type) in GPU_FAMILIES


def check_instance_type(instance_type: str) -> str:
    """`instance_type` itself.

    Raises:
        ValueError: the image cannot run there, or not on what makes it dear.
    """
    family = family_of(instance_type)
    if family not in GPU_FAMILIES and _FOREIGN.fullmatch(family):
        raise ValueError(
            f"{instance_type}: the image is for x86-64, and for NVIDIA's GPUs from Turing (g4dn) on, "
            f"not for {family}"
        )
    return instance_type
