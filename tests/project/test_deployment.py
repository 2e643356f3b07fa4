"""What a release runs by: its gates in their order, and the smoke test."""

import os
import subprocess
import sys

import yaml

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
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/deploy-environment.yml").read_text())
    job = workflow["jobs"]["deploy"]
    assert job["environment"] == "${{ inputs.environment }}", "where the reviewers of prod are asked"
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    steps = [step.get("run") or f"{step['uses']} {step.get('with')}" for step in job["steps"]]
    gates = (
        "role-to-assume",
        "--sbom=true",
        "image-scan-complete",
        "cdk diff",
        "./deploy/deploy",
        "deploy/smoke.py",
        "./deploy/deploy",
    )
    assert [gate for step in steps for gate in dict.fromkeys(gates) if gate in step] == list(gates)
    last = job["steps"][-1]
    assert last["if"].startswith("failure()")
    assert last["env"]["DIGEST"] == "${{ steps.before.outputs.digest }}"
