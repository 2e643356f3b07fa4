"""Processes that train together: they lose what one loses, and end in words when one is gone."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.conftest import REPOSITORY
from tests.training.conftest import DATA_FOLDER, describe_small_run, train_quietly
from tests.training.test_scale import assert_two_devices_lose_what_one_loses
from training.config import override
from training.presets import find_preset
from training.run.folder import Run

LIMIT_S = 600
WORKERS_LIMIT_S = 7200
"""Each of two workers takes half a minute of a core, most of it to trace its steps: that is ten minutes and
more where twenty others want that core."""


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


@contextmanager
def two_workers(folder, configuration):
    """Two processes of `ganymede train`, one cluster in TF_CONFIG, one run folder; none outlives it."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
    fields = configuration.model_dump(exclude_defaults=True)
    settings = [word for key, value in fields.items() for word in ("--set", f"{key}={value}")]
    command = [
        "train",
        "--preset",
        configuration.preset,
        "--data-folder",
        DATA_FOLDER,
        "--run",
        folder / "run",
    ]
    workers = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        with (folder / f"worker-{index}.log").open("w") as log:
            worker = subprocess.Popen(
                [sys.executable, "-m", "ganymede", *map(str, command), *settings],
                cwd=REPOSITORY,
                env={**os.environ, "TF_CONFIG": json.dumps(config), "COLUMNS": "500"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        workers.append(worker)
    try:
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@pytest.mark.timeout(LIMIT_S)
def test_modern_loses_on_two_devices_what_it_loses_on_one():
    assert_two_devices_lose_what_one_loses("modern")


@pytest.mark.timeout(LIMIT_S)
def test_changes_that_adapt_are_the_same_on_two_devices():
    assert_two_devices_lose_what_one_loses("adaptive")


@pytest.mark.timeout(3 * WORKERS_LIMIT_S)
def test_two_processes_lose_what_one_loses_and_one_ends_in_words_when_the_other_is_killed(tmp_path):
    configuration = override(describe_small_run(), ["epochs=1000", "evaluation_epochs=0"])
    run, chief = Run(tmp_path / "run"), tmp_path / "worker-0.log"
    with two_workers(tmp_path, configuration) as workers:
        deadline = time.monotonic() + WORKERS_LIMIT_S
        while len(run.read_stats()) < 3 and workers[0].poll() is None and time.monotonic() < deadline:
            time.sleep(0.1)
        workers[1].kill()
        status = workers[0].wait(timeout=WORKERS_LIMIT_S)
    train_quietly(override(configuration, ["epochs=2"]), tmp_path / "alone")
    together, alone = run.read_stats(), Run(tmp_path / "alone").read_stats()
    assert len(together) >= 3, chief.read_text()
    for ours, theirs in zip(together, alone, strict=False):
        assert ours.step == theirs.step
        assert ours.generator_loss == pytest.approx(theirs.generator_loss, rel=1e-3)
        assert ours.discriminator_loss == pytest.approx(theirs.discriminator_loss, rel=1e-3)
    assert status == 1
    assert "Another worker does not answer any more" in chief.read_text()
    assert "The last good checkpoint is" in chief.read_text()


@pytest.mark.timeout(3 * WORKERS_LIMIT_S)
def test_modern_loses_in_two_processes_what_it_loses_in_one(tmp_path):
    settings = ["latent_size=8", "width=16", "penalty_interval=2", "batch_size=60", "precision=float32"]
    configuration = override(find_preset("modern").defaults, [*settings, "epochs=1", "evaluation_epochs=0"])
    with two_workers(tmp_path, configuration) as workers:
        statuses = [worker.wait(timeout=WORKERS_LIMIT_S) for worker in workers]
    assert statuses == [0, 0], (tmp_path / "worker-0.log").read_text()
    train_quietly(configuration, tmp_path / "alone")  # so few pictures are changed before they are judged
    [together], [alone] = Run(tmp_path / "run").read_stats(), Run(tmp_path / "alone").read_stats()
    assert together.step == alone.step == 10
    assert together.generator_loss == pytest.approx(alone.generator_loss, rel=1e-3)
    assert together.discriminator_loss == pytest.approx(alone.discriminator_loss, rel=1e-3)
