"""What a release runs by: its gates in their order, and the smoke test."""

import io
import json
import os
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import numpy as np
import yaml

from foundation.store import open_store
from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S


def smoke(*arguments):
    return subprocess.run(
        [sys.executable, "deploy/smoke.py", *arguments],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_the_smoke_test_passes_where_the_golden_seeds_are_right(server):
    done = smoke(server.url)
    assert done.returncode == 0, done.stderr
    assert "its golden seeds are right" in done.stdout


def test_the_smoke_test_fails_on_a_model_that_is_not_there(server):
    done = smoke(server.url, "nothing@v1")
    assert done.returncode == 1
    assert "answered 404" in done.stderr


def test_the_smoke_test_fails_where_nothing_listens():
    done = smoke("http://127.0.0.1:1", "grey@v1")
    assert done.returncode == 1
    assert "smoke test:" in done.stderr


def test_a_release_passes_every_gate_in_order_and_goes_back_when_its_proof_fails():
    release = yaml.safe_load((REPOSITORY / ".github/workflows/deploy.yml").read_text())["jobs"]
    assert release["prod"]["needs"] == "dev"
    assert release["prod"]["with"]["proven"] == "${{ needs.dev.outputs.proven }}", "the image that was proven"
    assert "proven" not in release["dev"]["with"]
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/deploy-environment.yml").read_text())
    job = workflow["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.environment }}", "where the reviewers of prod are asked"
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    assert "--sbom=true" in (REPOSITORY / "deploy/attest").read_text()
    steps = [step.get("run") or f"{step['uses']} {step.get('with')}" for step in job["steps"]]
    gates = (
        "role-to-assume",
        "./deploy/push",
        "./deploy/attest",
        "image-scan-complete",
        "deploy/fixable.py",
        "cdk diff",
        "./deploy/deploy",
        "deploy/smoke.py",
        "./deploy/deploy",
    )
    assert [gate for step in steps for gate in dict.fromkeys(gates) if gate in step] == list(gates)
    last = job["steps"][-1]
    assert last["if"].startswith("failure()")
    assert last["env"]["DIGEST"] == "${{ steps.before.outputs.digest }}"


class Flaky(BaseHTTPRequestHandler):
    """Loses every other connection, and answers 502 now and then, in front of a real service."""

    protocol_version = "HTTP/1.1"
    target = ""
    asked = 0

    def answer(self):
        type(self).asked += 1
        if self.asked % 3 == 1:
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {"Content-Type": self.headers.get("Content-Type", "application/json")}
        got = httpx.request(self.command, self.target + self.path, content=body, headers=headers)
        status, content = (502, b"") if self.asked % 3 == 2 else (got.status_code, got.content)
        self.send_response(status)
        if "etag" in got.headers:
            self.send_header("ETag", got.headers["etag"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = answer  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


def test_the_smoke_test_asks_again_where_a_connection_is_lost_or_a_task_exchanged(server):
    Flaky.target = server.url
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            done = smoke(f"http://127.0.0.1:{proxy.server_port}")
        finally:
            proxy.shutdown()
            thread.join()
    assert done.returncode == 0, done.stderr


def test_what_is_rounded_otherwise_is_compared_with_the_store_that_is_named(tmp_path, monkeypatch):
    """Any model's recorded pictures, not the bundled ones' alone."""
    sys.path.insert(0, str(REPOSITORY))
    from deploy import smoke as proof

    shutil.copytree(REPOSITORY / "models" / "fashion", tmp_path / "own" / "fashion")
    monkeypatch.chdir(tmp_path)  # where there are no bundled models
    store = open_store("own")
    manifest = store.manifest("fashion", "v2")
    recorded = np.load(io.BytesIO(store.read(manifest, manifest.golden.images)))
    rounded = recorded.copy()
    rounded.flat[0] ^= 1
    described = json.loads(store.manifest_text("fashion", "v2"))
    monkeypatch.setenv("GANYMEDE_MODELS", str(tmp_path / "own"))
    assert proof._differs_by_rounding(rounded, described)
    assert not proof._differs_by_rounding(255 - recorded, described)
    monkeypatch.setenv("GANYMEDE_MODELS", str(tmp_path / "nothing"))
    assert not proof._differs_by_rounding(rounded, described)
