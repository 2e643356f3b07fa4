"""SageMaker's training contract, in a folder that plays /opt/ml: `train` as the image runs it."""

import json
import shutil

import pytest

from foundation.store import FolderStore
from ganymede.sagemaker import run_training_job
from tests.training.conftest import DATA_FOLDER
from training.errors import ConfigurationError, DataError
from training.launch.sagemaker import read_job

TINY = {
    "preset": '"modern"',
    "width": "16",
    "latent_size": "8",
    "batch_size": "100",
    "precision": "float32",
    "name": "tiny",
    "sagemaker_region": '"eu-central-1"',
}
LIMIT_S = 600


def write_settings(root, name, content):
    folder = root / "input" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(content))


def lay_down_job(tmp_path):
    """A job on one host with Fashion-MNIST in the channel `training`."""
    write_settings(tmp_path, "hyperparameters", {**TINY, "epochs": "1"})
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"}
    write_settings(tmp_path, "inputdataconfig", {"training": channel})
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "eth0"}
    write_settings(tmp_path, "resourceconfig", hosts)
    shutil.copytree(DATA_FOLDER, tmp_path / "input" / "data" / "training")
    return tmp_path


@pytest.fixture
def root(tmp_path):
    return lay_down_job(tmp_path)


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.usefixtures("small_general_space")
def test_a_finished_job_leaves_a_measured_model_and_artefacts(root, trained_run, small_configuration):
    shutil.copytree(trained_run.folder, root / "checkpoints")
    fields = small_configuration.model_dump(exclude={"data"}, exclude_defaults=True)
    write_settings(
        root, "hyperparameters", {"preset": "dcgan"} | {key: str(value) for key, value in fields.items()}
    )
    assert run_training_job(root) == 0
    manifest = FolderStore(root / "model").manifest("dcgan", "v1")
    assert manifest.training["configuration"]["data"] == "fashion-mnist"
    assert any(name.startswith("fd_") for name in manifest.metrics)
    artefacts = root / "output" / "data"
    assert (artefacts / "stats.jsonl").read_text().count("\n") == 2
    assert (artefacts / "samples" / "epoch-0002.png").exists()
    assert not (artefacts / "checkpoints").exists()
    assert FolderStore(root / "model").aliases("dcgan").entries["production"].version == "v1"
    assert not (root / "output" / "failure").exists()


@pytest.mark.timeout(2 * LIMIT_S)
@pytest.mark.usefixtures("small_general_space")
def test_a_job_whose_drawings_are_copies_fails_and_shows_them(
    root, trained_run, small_configuration, monkeypatch
):
    shutil.copytree(trained_run.folder, root / "checkpoints")
    fields = small_configuration.model_dump(exclude={"data"}, exclude_defaults=True)
    settings = {key: str(value) for key, value in fields.items()}
    write_settings(root, "hyperparameters", {"preset": "dcgan", "max_copied": "0.02"} | settings)
    monkeypatch.setattr("training.export.figures.read_figures", lambda *_: {"copied_pixels16_1k_train": 0.5})
    assert run_training_job(root) == 1
    sentence = (root / "output" / "failure").read_text()
    assert sentence.startswith("50.0% of the drawings are copies of training pictures")
    assert not (root / "model").exists()
    assert (root / "output" / "data" / "stats.jsonl").exists()


def test_a_failure_is_one_sentence_in_the_failure_file(root, capsys):
    write_settings(root, "hyperparameters", {"preset": "modern", "learning_rat": "1"})
    assert run_training_job(root) == 1
    sentence = "There is no hyperparameter 'learning_rat'. Did you mean 'learning_rate'?"
    assert (root / "output" / "failure").read_text() == sentence
    assert sentence in capsys.readouterr().err
    assert not (root / "model").exists()


def test_what_sagemaker_lays_down_names_data_model_and_hosts(root):
    job = read_job(root, {"TRAINING_JOB_NAME": "Bags-2026"})
    assert (job.preset, job.name, job.version) == ("modern", "tiny", "bags-2026")
    assert job.data_folder == root / "input" / "data" / "training"
    assert "data=fashion-mnist" in job.assignments
    assert (job.is_chief, job.tf_config) == (True, None)


def test_the_share_of_copies_is_a_share(root):
    write_settings(root, "hyperparameters", {**TINY, "max_copied": "0.02"})
    assert read_job(root, {}).max_copied == 0.02
    for wrong in ("2", "-0.1", "nan", "few"):
        write_settings(root, "hyperparameters", {**TINY, "max_copied": wrong})
        with pytest.raises(ConfigurationError, match="'max_copied' is a share from 0 to 1"):
            read_job(root, {})


def test_variables_go_before_the_files(root, tmp_path):
    variables = {
        "SM_CHANNEL_TRAINING": str(tmp_path / "pictures"),
        "SM_MODEL_DIR": str(tmp_path / "m"),
        "SM_OUTPUT_DATA_DIR": str(tmp_path / "o"),
        "SM_HOSTS": '["algo-1", "algo-2"]',
        "SM_CURRENT_HOST": "algo-2",
        "SM_NUM_GPUS": "4",
    }
    job = read_job(root, variables)
    assert f"data=folder:{tmp_path / 'pictures'}" in job.assignments
    assert (job.model_folder, job.output_folder, job.gpus) == (tmp_path / "m", tmp_path / "o", 4)
    assert not job.is_chief
    assert json.loads(job.tf_config) == {
        "cluster": {"worker": ["algo-1:7777", "algo-2:7777"]},
        "task": {"type": "worker", "index": 1},
    }


def test_gpus_that_tensorflow_does_not_find_are_a_failure(root, monkeypatch):
    monkeypatch.setenv("SM_NUM_GPUS", "64")
    assert run_training_job(root) == 1
    assert "said to have 64 GPUs, but TensorFlow" in (root / "output" / "failure").read_text()


@pytest.mark.parametrize(
    ("channels", "error"),
    [
        ({"a": {}, "b": {}}, "None of the channels a, b is called 'training'"),
        ({"train": {"TrainingInputMode": "Pipe"}}, "of mode Pipe"),
        ({"train": {"S3DistributionType": "ShardedByS3Key"}}, "sharded by S3 key"),
    ],
    ids=str,
)
def test_channels_that_cannot_be_used_are_refused(root, channels, error):
    write_settings(root, "inputdataconfig", channels)
    with pytest.raises(DataError, match=error):
        read_job(root, {})


def test_a_damaged_file_is_named(root):
    write_settings(root, "hyperparameters", {"epochs": [1]})
    with pytest.raises(ConfigurationError, match=r"hyperparameters\.json cannot be read: epochs"):
        read_job(root, {})
