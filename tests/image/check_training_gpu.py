"""The image for training on GPUs, on a machine without one: it says what is missing."""

from tests.image.conftest import docker
from tests.training.test_sagemaker_job import TINY, write_settings

IMAGE = "ganymede:training-gpu"


def test_it_says_what_is_missing_for_a_gpu():
    printed = docker("run", "--rm", "--entrypoint", "python", IMAGE, "-m", "training.launch.gpus")
    assert "no NVIDIA driver" in printed or "NVIDIA card(s)" in printed
    assert "built with CUDA" in printed


def test_a_job_that_was_lent_gpus_that_are_not_there_says_so(tmp_path):
    write_settings(tmp_path, "hyperparameters", {**TINY, "epochs": "1"})
    lent = ("--env", "SM_NUM_GPUS=1", "--volume", f"{tmp_path}:/opt/ml")
    docker("run", "--rm", *lent, IMAGE, "train", check=False)
    assert "said to have 1 GPUs, but TensorFlow" in (tmp_path / "output" / "failure").read_text()
