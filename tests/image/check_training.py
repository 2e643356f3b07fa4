"""The training image, really run: a tiny training, by hand as nobody special and as SageMaker calls it."""

import shutil

import httpx

from tests.conftest import REPOSITORY
from tests.image.conftest import IMAGE as SERVICE
from tests.image.conftest import docker, run_container
from tests.training.test_sagemaker_job import TINY, write_settings

IMAGE = "ganymede:training"
DATA = REPOSITORY / "tests" / "data" / "fashion-mnist"
SMALL = ("preset=modern", "epochs=1", "width=16", "latent_size=8", "batch_size=100", "precision=float32")


def test_the_image_trains_exports_and_publishes_as_nobody_special_on_a_read_only_root(tmp_path):
    tmp_path.chmod(0o777)
    container = ("run", "--rm", "--read-only", "--cap-drop", "ALL", "--user", "10001:10001")
    volumes = ("--volume", f"{DATA}:/data:ro", "--volume", f"{tmp_path}:/runs")
    preset, *settings = SMALL
    options = [word for setting in settings for word in ("--set", setting)]
    order = ("train", "--preset", preset.partition("=")[2], "--data-folder", "/data", "--run", "/runs/run")
    docker(*container, *volumes, IMAGE, *order, *options)
    docker(*container, *volumes, IMAGE, "export", "/runs/run")
    docker(*container, *volumes, IMAGE, "publish", "/runs/run", "--name", "tiny", "--models", "/runs/models")
    assert "tiny" in docker(*container, *volumes, IMAGE, "models", "--models", "/runs/models")


def test_it_trains_as_sagemaker_calls_it_and_leaves_a_store_that_the_service_image_serves(tmp_path):
    write_settings(tmp_path, "hyperparameters", {**TINY, "epochs": "1"})
    write_settings(tmp_path, "inputdataconfig", {"training": {"TrainingInputMode": "File"}})
    write_settings(tmp_path, "resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"]})
    shutil.copytree(DATA, tmp_path / "input" / "data" / "training")
    docker("run", "--rm", "--read-only", "--volume", f"{tmp_path}:/opt/ml", IMAGE, "train")
    assert not (tmp_path / "output" / "failure").exists()
    model = ("--volume", f"{tmp_path / 'model'}:/opt/ml/model:ro")
    with run_container("--read-only", *model, image=SERVICE) as running:
        running.wait_for("/ping")
        answer = httpx.post(f"{running.url}/invocations", json={"task": "generate"}, timeout=30)
        assert answer.headers["x-model"] == "tiny@v1"


def test_a_job_that_cannot_be_says_why_in_the_failure_file(tmp_path):
    write_settings(tmp_path, "hyperparameters", {**TINY, "epoch": "1"})
    docker("run", "--rm", "--volume", f"{tmp_path}:/opt/ml", IMAGE, "train", check=False)
    assert "epochs" in (tmp_path / "output" / "failure").read_text()
