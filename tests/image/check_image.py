"""The container image, really run: user, read-only root, health, drain, SageMaker's contract, size."""

import io
import json
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.image.conftest import IMAGE, docker, run_container
from tests.protocols.test_sagemaker import SageMaker
from tests.tiny_models import TinyModel, publish_tiny_model

READ_ONLY = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")
CLIENTS, IMAGES_PER_CLIENT = 16, 256
DRAIN_TIMEOUT_S = 120
"""Far more than the work takes, however slow the machine: what is checked is that nothing gets lost."""
SLIM_BASE_MB = 130
"""About what the official python:3.11-slim-bookworm takes; a stand-in for it may be larger."""


@pytest.fixture(scope="module")
def container():
    with run_container(*READ_ONLY) as running:
        running.wait_for("/readyz")
        yield running


def test_the_service_runs_as_nobody_special_on_a_read_only_root(container):
    assert docker("exec", container.name, "id", "-u") == "10001"
    touched = docker("exec", container.name, "touch", "/app/x", check=False)
    assert "Read-only file system" in touched


def test_the_image_knows_its_version_and_says_it_on_its_label_too(container):
    version = docker("exec", container.name, "python", "-m", "ganymede", "--version").split()[1]
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", version)
    assert container.inspect('{{index .Config.Labels "org.opencontainers.image.version"}}') == version
    assert httpx.get(f"{container.url}/openapi.json").json()["info"]["version"] == version


def test_the_image_gives_a_grid_of_the_bundled_model(container):
    answer = httpx.post(f"{container.url}/generate", timeout=30)
    assert answer.status_code == 200
    assert answer.headers["x-model"].partition("@")[0] == "fashion"
    assert Image.open(io.BytesIO(answer.content)).format == "PNG"


def test_the_bundled_model_is_exact_here_and_finds_a_picture_of_its_own(container):
    ready = httpx.get(f"{container.url}/readyz").json()
    assert (ready["model"], ready["arithmetic"], ready["same_bytes_here"]) == ("fashion@v3", "exact", True)
    drawn = httpx.post(f"{container.url}/generate", json={"seeds": [7]}, timeout=30)
    answer = httpx.post(f"{container.url}/project?steps=4", content=drawn.content, timeout=120)
    assert answer.status_code == 200, answer.text
    found = answer.json()["images"][0]
    assert found["distance"] < 1, "black against white is 4"
    order = {"latents": [found["latent"]], "labels": [found["label"]]}
    assert httpx.post(f"{container.url}/generate", json=order, timeout=30).status_code == 200


def test_the_page_opens_with_every_file_that_it_names(container):
    with httpx.Client(base_url=container.url, follow_redirects=True) as browser:
        page = browser.get("/")
        assert (page.status_code, page.url.path) == (200, "/ui/")
        named = re.findall(r'(?:src|href)="([^"#]+)"', page.text)
        assert any(name.endswith(".js") for name in named)
        for name in named:
            assert browser.get(page.url.join(name)).status_code == 200, name


def test_an_error_of_a_command_is_a_sentence_though_most_colours_of_sources_are_left_out(container):
    shown = docker(
        "exec", container.name, "python", "-c",
        "import rich.traceback; rich.traceback.install(); 1 / 0", check=False,
    )  # fmt: skip
    assert "ZeroDivisionError" in shown
    assert "pygments" not in shown


def test_the_health_check_says_healthy(container):
    deadline = time.monotonic() + 60
    while (status := container.inspect("{{.State.Health.Status}}")) != "healthy":
        assert time.monotonic() < deadline, status
        time.sleep(0.5)


def test_the_logs_are_json(container):
    lines = docker("logs", container.name).splitlines()
    text = subprocess.run(["docker", "logs", container.name], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in text.stderr.splitlines()]
    assert not [line for line in lines if "Traceback" in line]


def test_root_can_run_it_too_as_under_sagemaker(tmp_path):
    store = tmp_path / "model"
    store.mkdir()
    publish_tiny_model(store, TinyModel(name="grey"))
    with run_container("--user", "0", "--volume", f"{store}:/opt/ml/model:ro") as running:
        running.wait_for("/ping")
        sagemaker = SageMaker(running.url)
        started = time.perf_counter()
        assert sagemaker.ping().status_code == 200
        assert time.perf_counter() - started < 2
        answer = sagemaker.invoke({"task": "generate", "seeds": [1, 2, 3]})
        assert answer.headers["x-model"] == "grey@v1"
        assert answer.content == sagemaker.invoke({"task": "generate", "seeds": [1, 2, 3]}).content
        assert docker("exec", running.name, "id", "-u") == "0"


def test_sigterm_under_load_loses_no_request_that_was_accepted():
    """More work than can be done in the moment of SIGTERM is under way, from as many clients."""
    patience = (f"GANYMEDE_{name}_TIMEOUT_S={DRAIN_TIMEOUT_S}" for name in ("DRAIN", "REQUEST"))
    drain = [word for variable in patience for word in ("--env", variable)]
    room = ("--env", f"GANYMEDE_MAX_QUEUE_IMAGES={2 * CLIENTS * IMAGES_PER_CLIENT}")  # all are one address
    with run_container(*READ_ONLY, *drain, *room) as running:
        running.wait_for("/readyz")

        def ask(seed: int) -> int:
            order = {"seed": 1000 * seed, "count": IMAGES_PER_CLIENT, "format": "npy"}
            return httpx.post(f"{running.url}/generate", json=order, timeout=DRAIN_TIMEOUT_S).status_code

        with ThreadPoolExecutor(CLIENTS) as clients:
            answers = [clients.submit(ask, seed) for seed in range(CLIENTS)]
            wait_until_admitted(running, CLIENTS * IMAGES_PER_CLIENT)
            unanswered = sum(not answer.done() for answer in answers)
            started = time.monotonic()
            docker("stop", "--time", str(DRAIN_TIMEOUT_S + 10), running.name)
            took_s = time.monotonic() - started
        assert unanswered > CLIENTS / 2, "SIGTERM came too late to test anything"
        assert [answer.result() for answer in answers] == [200] * CLIENTS
        assert running.inspect("{{.State.ExitCode}}") in ("0", "143"), running.logs()
        assert took_s < DRAIN_TIMEOUT_S + 5, "it was killed"
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{running.url}/livez", timeout=5)


def wait_until_admitted(running, images, limit_s=60):
    """Wait until so many images wait in the service or are generated: every request is in."""
    counted = re.compile(r"^ganymede_(?:queue_images|images_total\{.*\}) (\S+)$", re.MULTILINE)
    deadline = time.monotonic() + limit_s
    while sum(map(float, counted.findall(httpx.get(f"{running.url}/metrics", timeout=30).text))) < images:
        assert time.monotonic() < deadline, "not all requests were admitted"


def test_train_without_tensorflow_says_which_image_has_it():
    printed = docker("run", "--rm", IMAGE, "train", check=False)
    assert "tensorflow" in printed.lower() or "training" in printed.lower()
    assert "Traceback" not in printed


@pytest.mark.parametrize(("image", "limit_mb"), [(IMAGE, 450)])
def test_the_image_is_small_on_the_official_base(image, limit_mb, capsys):
    """The whole image as `docker image inspect` counts it, on a base of the official one's size."""
    total_mb = int(docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6
    own_mb = count_own_layers_mb(image)
    base_mb = total_mb - own_mb
    counted_mb = own_mb + min(base_mb, SLIM_BASE_MB)
    with capsys.disabled():
        print(
            f"\n{image}: {own_mb:.0f} MB of its own + {base_mb:.0f} MB of this base = {total_mb:.0f} MB; "
            f"on a base of {SLIM_BASE_MB} MB {own_mb + SLIM_BASE_MB:.0f} MB, of {limit_mb} MB"
        )
    assert counted_mb <= limit_mb


def count_own_layers_mb(image):
    """The layers above the base image: the first of them brings the user."""
    layers = docker("history", "--human=false", "--format", "{{.Size}} {{.CreatedBy}}", image).splitlines()
    mine = layers[: 1 + next(i for i, line in enumerate(layers) if "COPY /etc/passwd" in line)]
    return sum(int(line.split()[0]) for line in mine) / 1e6
