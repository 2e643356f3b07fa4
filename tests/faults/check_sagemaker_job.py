"""A training job of SageMaker that is killed, goes on, and is told to end: `train` as the image runs it."""

import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest

from tests.conftest import REPOSITORY, run_server
from tests.training.test_sagemaker_job import LIMIT_S, TINY, lay_down_job, write_settings
from training.run.folder import Run


@pytest.fixture
def root(tmp_path):
    return lay_down_job(tmp_path)


def start_job(root):
    with (root / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ganymede.container", "train"],
            cwd=REPOSITORY,
            env={**os.environ, "SAGEMAKER_BASE_DIR": str(root)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def wait_for_epoch(root, process, epoch):
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline and process.poll() is None:
        if len(Run(root / "checkpoints").read_stats()) >= epoch:
            return
        time.sleep(0.05)
    pytest.fail(f"epoch {epoch} was not reached:\n{(root / 'log').read_text()}")


@pytest.mark.timeout(4 * LIMIT_S)
def test_a_killed_job_goes_on_from_its_checkpoints_and_sigterm_saves_a_model_that_is_served(root, tmp_path):
    write_settings(root, "hyperparameters", {**TINY, "epochs": "1000", "checkpoint_epochs": "1"})
    process = start_job(root)
    try:
        wait_for_epoch(root, process, 2)  # the checkpoint of the first is written by then
    finally:
        process.kill()
        process.wait()
    before = Run(root / "checkpoints").read_stats()
    process = start_job(root)
    try:
        wait_for_epoch(root, process, len(before) + 1)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=LIMIT_S)
    finally:
        process.kill()
        process.wait()
    log = (root / "log").read_text()
    assert process.returncode == 0, log
    assert re.search(r"Going on after epoch [1-9]", log)
    assert "Stopped after batch" in log
    with run_server(root / "model", tmp_path, "--default-model", "tiny") as server:
        answer = httpx.post(f"{server.url}/generate", json={"seed": 1, "label": "bag"}, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["x-model"] == "tiny@v1"
