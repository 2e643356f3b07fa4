"""The GPU image on a machine without a GPU: it serves on the CPU, or says clearly why it does not start."""

import time

import httpx

from tests.image.conftest import docker, run_container

IMAGE = "ganymede:gpu"


def test_on_auto_it_serves_on_the_cpu_and_its_golden_check_holds():
    with run_container("--read-only", image=IMAGE) as running:
        running.wait_for("/readyz")
        metrics = httpx.get(f"{running.url}/metrics").text
        assert 'ganymede_model_info{device="cpu",model="fashion"' in metrics
        assert httpx.post(f"{running.url}/generate", timeout=30).status_code == 200


def test_a_gpu_that_was_asked_for_and_is_not_there_ends_the_start_with_a_sentence():
    began = time.monotonic()
    printed = docker("run", "--rm", "--env", "GANYMEDE_DEVICE=cuda", IMAGE, check=False)
    assert "no NVIDIA GPU answers here" in printed
    assert "Traceback" not in printed
    assert time.monotonic() - began < 60
