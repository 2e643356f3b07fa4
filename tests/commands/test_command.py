import io
import re
import shutil
import socket

import httpx
import numpy as np
import pytest
from PIL import Image

from ganymede.commands.pictures import WrongOption, parse_seeds
from service.settings import Settings
from tests.conftest import run_server


def test_generate_writes_the_bytes_that_the_service_answers(run_ganymede, tiny_store, tmp_path, client):
    for format in ("png", "webp", "npy", "zip"):
        output = tmp_path / f"grid.{format}"
        result = run_ganymede("generate", "grey", "--seeds", "3,5-7", "-o", output, "--models", tiny_store)
        assert result.returncode == 0, result.stderr
        body = {"seeds": [3, 5, 6, 7], "format": format}
        assert output.read_bytes() == client.post("/generate", json=body).content


def test_walk_writes_the_bytes_that_the_service_answers(run_ganymede, tiny_store, tmp_path, client):
    output = tmp_path / "walk.png"
    run_ganymede(
        "walk", "grey", "--seeds", "1,5", "--frames", 9, "--loop", "-o", output, "--models", tiny_store
    )
    body = {"seeds": [1, 5], "frames": 9, "loop": True}
    assert output.read_bytes() == client.post("/latent-walk", json=body).content


def test_generate_takes_a_class(run_ganymede, tiny_store, tmp_path):
    output = tmp_path / "star.png"
    result = run_ganymede(
        "generate", "colour", "--seeds", "1", "--label", "star", "-o", output, "--models", tiny_store
    )
    assert result.returncode == 0, result.stderr
    assert np.asarray(Image.open(io.BytesIO(output.read_bytes()))).shape == (8, 8, 3)


def test_models_lists_what_the_store_holds(run_ganymede, tiny_store):
    output = run_ganymede("models", "--models", tiny_store).stdout
    assert "grey" in output
    assert "colour" in output
    assert "production" in output
    assert " 8x8 " in output  # the width of its pictures and their height


def test_a_list_of_models_in_a_pipe_is_not_cut(run_ganymede, tiny_store):
    narrow = run_ganymede("models", "--models", tiny_store, COLUMNS="20").stdout
    assert narrow == run_ganymede("models", "--models", tiny_store).stdout
    assert "production" in narrow
    assert "…" not in narrow


def test_promote_moves_production(run_ganymede, tiny_store, tmp_path):
    store = shutil.copytree(tiny_store, tmp_path / "store")
    assert run_ganymede("promote", "grey", "v1", "--models", store).returncode == 0
    assert '"v1"' in (store / "grey" / "aliases.json").read_text()
    refused = run_ganymede("promote", "grey", "v7", "--models", store)
    assert refused.returncode == 1
    assert "Versions: v1, v2" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("generate", "none"), "There is no model 'none'"),
        (("generate", "grey", "-o", "grid.bmp"), "ending must be one of png"),
        (("generate", "grey", "--seeds", "5-1"), "write seeds as"),
        (("generate", "grey", "--truncation", "2"), "--truncation 2: must be at most 1."),
        (("generate", "grey", "-o", "/nowhere/at/all.png"), "No such file or directory"),
        (("export", "no-run"), "no-run is not a run folder"),
        (("evaluate", "fashion@v2"), "fashion@v2 is not a run folder"),
        (("train", "--set", "batchsize=3"), "batch_size"),
        (("encoder", "none"), "There is no model 'none'"),
        (("encoder", "no/run"), "no/run is not a run folder"),
        (("encoder", "grey", "--set", "step=3"), "Did you mean 'steps'?"),
    ],
)
def test_what_goes_wrong_is_one_sentence(run_ganymede, tiny_store, arguments, says):
    result = run_ganymede(*arguments, GANYMEDE_MODELS=str(tiny_store))
    assert result.returncode == 1
    assert says in result.stderr
    assert "Traceback" not in result.stderr


def test_seeds_are_written_as_lists_and_ranges():
    assert parse_seeds("1,5,9") == [1, 5, 9]
    assert parse_seeds("0-3, 8") == [0, 1, 2, 3, 8]
    for wrong in ("", "a", "1-", "3-1", "-1", "0-100000"):
        with pytest.raises(WrongOption):
            parse_seeds(wrong)


def test_bench_measures_a_running_service(run_ganymede, server):
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    result = run_ganymede("bench", server.url, "--seconds", 1, "--images", 2, "--model", "colour")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^[\d,]+ images/s .* p50 [\d.]+ ms, .* 0 failed$", result.stdout, re.MULTILINE)
    nowhere = run_ganymede("bench", f"{server.url}/nowhere", "--seconds", 1)
    assert nowhere.returncode == 1
    assert "answered none of" in nowhere.stderr


def test_bench_without_wrk_says_how_to_get_it(run_ganymede, tmp_path):
    result = run_ganymede("bench", "http://127.0.0.1:1", PATH=str(tmp_path))
    assert result.returncode == 1
    assert "apt install wrk" in result.stderr


def test_a_port_that_is_taken_is_named_and_nobody_is_invited_to_it(run_ganymede, tiny_store):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = run_ganymede("serve", "--models", str(tiny_store), "--port", port)
    assert result.returncode != 0
    assert result.stderr.startswith(f"ganymede: Port {port} ")
    assert "address already in use" in result.stderr
    assert "Try:" not in result.stdout


def test_nobody_is_invited_to_a_service_before_it_has_a_model(server, tmp_path):
    said = server.log.read_text()
    assert 0 <= said.index("Ganymede on http://") < said.index("Ready. Try:\n  curl -X POST http://")
    (tmp_path / "empty").mkdir()
    with run_server(tmp_path / "empty", tmp_path, GANYMEDE_UI="off") as empty:
        said = empty.log.read_text()
        for answer in (httpx.get(f"{empty.url}/readyz"), httpx.post(f"{empty.url}/generate", json={})):
            assert answer.status_code == 503
            assert "No model in the store has a 'production' version" in answer.json()["detail"]
            assert str(tmp_path) not in answer.text
    assert f"not ready: No model in {tmp_path / 'empty'}" in said
    assert "Try:" not in said


def test_the_help_of_serve_says_what_each_option_is_without_it(run_ganymede):
    options = re.split(r"\n  --", run_ganymede("serve", "--help").stdout)[1:]
    said = {text.split()[0].replace("-", "_"): " ".join(text.split()) for text in options}
    assert {"models", "port", "max_queue_images", "root_path"} <= said.keys()
    for name, field in Settings.model_fields.items():
        if name in said and field.default not in (None, ""):
            number = isinstance(field.default, int | float)
            default = f"{field.default:.12g}" if number else field.default
            assert f"[default: ({default})]" in said[name], name


def test_the_help_of_serve_has_every_setting_but_secrets_with_its_bounds(run_ganymede):
    options = re.split(r"\n  --", run_ganymede("serve", "--help").stdout)[1:]
    said = {text.split()[0].replace("-", "_"): " ".join(text.split()) for text in options}
    assert Settings.model_fields.keys() - said.keys() == {
        "api_keys",
        "rates_store",
        "url_signing_keys",
        "wrong_keys_per_minute",
    }
    assert "[1 to 65536]" in said["max_batch_images"]
    assert "[more than 0, at most 3600]" in said["body_timeout_s"]
    assert "[1048576 or more]" in said["cache_max_bytes"]
    assert "[auto or cpu or cuda or tensorrt]" in said["device"]
    for name in said.keys() & Settings.model_fields.keys():
        assert (Settings.model_fields[name].description or "?")[:30] in said[name], name
