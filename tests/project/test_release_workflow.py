"""The release workflow, step by step as a runner takes it: its shell, its variables, stand-ins for AWS."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S

WORKFLOW = REPOSITORY / ".github" / "workflows" / "deploy-environment.yml"
JOB: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
STANDIN = """#!/bin/sh
echo "${0##*/} $*" >> "$NOTES"
case "${0##*/} $*" in
"cdk diff"*) echo a difference ;;
"cdk deploy"*) exit "${CDK_FAILS:-0}" ;;
aws*get-login-password*) echo password ;;
"docker login"*) cat >/dev/null ;;
aws*describe-image-scan-findings*) echo "$SCAN" ;;
aws*"'Repository'"*) echo registry.test/pictures ;;
aws*-Edge*) [ "$AWS_REGION" = us-east-1 ] && [ -n "${EDGE:-}" ] && echo "$EDGE" ;;
aws*"'Url'"*) echo "$URL" ;;
aws*"'ClientsSecurityGroup'"*) echo sg-1 ;;
aws*"'Bucket'"*) echo bucket ;;
aws*"'ImageDigest'"*) echo "$RUNNING" ;;
*type=tar,dest=attested.tar*) echo '{}' >sbom.spdx.json; echo '{}' >provenance.json
    tar --create --file attested.tar sbom.spdx.json provenance.json ;;
*MediaType*) echo MANIFEST ;;
*Digest*) echo sha256:new ;;
"docker run"*) echo "$UPGRADABLE" ;;
curl*) echo 203.0.113.7 ;;
esac
""".replace("MANIFEST", MANIFEST)
NOTHING = '{"imageScanFindings": {}}'
CRITICAL = (
    '{"imageScanFindings": {"findings": [{"name": "CVE-1", "severity": "CRITICAL", '
    '"attributes": [{"key": "package_name", "value": "zlib"}]}]}}'
)


class Runner:
    """A hosted runner with the programs that the steps call."""

    def __init__(self, folder: Path) -> None:
        self.notes = folder / "notes"
        self.files = {name: folder / name.lower() for name in ("GITHUB_PATH", "GITHUB_STEP_SUMMARY")}
        self.work = folder / "work"
        self.failed: list[str] = []
        programs, python = folder / "bin", self.work / ".venv" / "bin"
        for path in (programs, python):
            path.mkdir(parents=True)
        self.work.joinpath("deploy").symlink_to(REPOSITORY / "deploy")
        for name in ("aws", "cdk", "curl", "docker", "go", "make", "oras", "skopeo"):
            _write_program(programs / name, STANDIN)
        _write_program(python / "python", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        _write_program(python / "ganymede", "#!/bin/sh\necho ganymede 1.2.3\n")
        self.notes.touch()
        self.path = f"{programs}{os.pathsep}{os.environ['PATH']}"

    def run(self, contexts: Mapping[str, str], **variables: str) -> list[str]:
        """Take every step that is a script, in order; what was told to the programs."""
        steps: dict[str, str] = {}
        for number, step in enumerate(JOB["steps"]):
            if "run" not in step or not self._is_due(step, steps):
                continue
            known = {**contexts, **steps}
            output = self.work.parent / f"output-{number}"
            output.touch()
            environment = {
                **{name: _fill(value, known) for name, value in (JOB["env"] | step.get("env", {})).items()},
                **{name: str(path) for name, path in self.files.items()},
                **variables,
                "PATH": self.path,
                "PYTHONPATH": str(REPOSITORY),
                "NOTES": str(self.notes),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_SHA": "0123abcd",
                "GITHUB_RUN_ATTEMPT": "1",
            }
            script = self.work.parent / f"step-{number}.sh"
            script.write_text(step["run"])
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
                cwd=self.work,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_S,
                check=False,
            )
            if done.returncode:
                self.failed.append(f"{step['name']}: {done.stderr or done.stdout}")
            if "id" in step:
                steps[f"steps.{step['id']}.outcome"] = "failure" if done.returncode else "success"
                for line in output.read_text().splitlines():
                    name, _, value = line.partition("=")
                    steps[f"steps.{step['id']}.outputs.{name}"] = value
        return self.notes.read_text().splitlines()

    def _is_due(self, step: Mapping[str, Any], steps: Mapping[str, str]) -> bool:
        if "if" not in step:
            return not self.failed
        assert step["if"].split(" && ") == [
            "failure()",
            "steps.deploy.outcome != 'skipped'",
            "steps.before.outputs.digest != ''",
        ]
        return bool(self.failed and "steps.deploy.outcome" in steps and steps["steps.before.outputs.digest"])


def _write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _fill(value: str, known: Mapping[str, str]) -> str:
    """`value` with its expressions replaced; a name that nothing has given is empty, as a runner has it."""

    def replace(found: re.Match[str]) -> str:
        name, _, other = found[1].partition(" || ")
        return known.get(name, "") or other.strip("'")

    return re.sub(r"\$\{\{ (.+?) \}\}", replace, str(value))


CONTEXTS = {
    "inputs.environment": "dev",
    "vars.AWS_REGION": "eu-central-1",
    "vars.AGENT_IMAGE_DIGEST": "sha256:agent",
    "vars.MODEL_VERSION": "grey@v1",
    "vars.BASE_IMAGE": "python:3.11-slim-bookworm@sha256:base",
    "vars.IMAGE_TARGET": "cpu",
    "secrets.API_KEY": "secret",
}


@pytest.fixture
def release(tmp_path, server):
    """Release to dev, with other contexts and variables; the runner, and what was told to whom."""

    def take(contexts: Mapping[str, str] | None = None, **variables: str) -> SimpleNamespace:
        runner = Runner(tmp_path)
        given = {
            "URL": server.url,
            "RUNNING": "sha256:old",
            "UPGRADABLE": "",
            "SCAN": '{"imageScanFindings": {}}',
        }
        told = runner.run({**CONTEXTS, **(contexts or {})}, **{**given, **variables})
        return SimpleNamespace(failed=runner.failed, told=told, work=runner.work, files=runner.files)

    return take


class Broken(BaseHTTPRequestHandler):
    """A service that is ready, and serves nothing."""

    def do_GET(self):
        ready = self.path == "/readyz"
        body = b'{"model": "grey@v1"}' if ready else b""
        self.send_response(200 if ready else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def broken():
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as service:
        thread = threading.Thread(target=service.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{service.server_port}"
        service.shutdown()
        thread.join()


def deployed(told: list[str]) -> list[str]:
    """The digests that were deployed, in order."""
    return [
        re.search(r"dev-Service:ImageDigest=(\S+)", line)[1] for line in told if line.startswith("cdk deploy")
    ]


def place(told: list[str], beginning: str) -> int:
    return next(number for number, line in enumerate(told) if line.startswith(beginning))


def test_a_release_builds_scans_shows_deploys_and_proves_in_this_order(release):
    done = release()
    assert done.failed == []
    beginnings = (
        "docker login --username AWS --password-stdin registry.test",
        "docker buildx build",
        "oras attach registry.test/pictures@sha256:new",
        "aws ecr wait image-scan-complete --repository-name pictures",
        "docker run",
        "cdk diff --ci --context environment=dev",
        "cdk deploy --context environment=dev",
        "aws ec2 authorize-security-group-ingress --group-id sg-1 --protocol tcp --port 80",
        "aws ec2 revoke-security-group-ingress --group-id sg-1",
    )
    places = [place(done.told, beginning) for beginning in beginnings]
    assert places == sorted(places)
    assert deployed(done.told) == ["sha256:new"]
    [build] = [line for line in done.told if "--push" in line]
    for word in ("--target cpu", "BASE_IMAGE=python:3.11", "--tag registry.test/pictures:release-0123abcd-1"):
        assert word in build
    assert "a difference" in done.files["GITHUB_STEP_SUMMARY"].read_text()
    assert {"sbom.spdx.json", "provenance.json", "scan.json", "upgradable.txt"} <= {
        path.name for path in done.work.iterdir()
    }


def test_behind_the_edge_a_release_is_proven_there_and_nobody_is_let_in_past_it(release, server, broken):
    done = release(URL=broken, EDGE=server.url)
    assert done.failed == []
    assert not [line for line in done.told if "authorize-security-group-ingress" in line]


def test_what_was_proven_is_copied_and_never_built_again(release):
    done = release({"inputs.environment": "prod", "inputs.proven": "first.test/pictures@sha256:new"})
    assert done.failed == []
    assert not [line for line in done.told if "buildx build" in line]
    logins = [line.split()[-1] for line in done.told if line.startswith("docker login")]
    assert logins == ["registry.test", "first.test"]
    assert done.told[place(done.told, "skopeo copy")].endswith(
        "docker://registry.test/pictures:release-0123abcd-1"
    )
    assert [line for line in done.told if "prod-Service:ImageDigest=sha256:new" in line]


def test_a_failed_proof_brings_the_digest_before_back_and_closes_the_balancer(release, broken):
    done = release(URL=broken)
    assert len(done.failed) == 1
    assert "smoke test" in done.failed[0]
    assert deployed(done.told) == ["sha256:new", "sha256:old"]
    assert place(done.told, "aws ec2 revoke-security-group-ingress")


def test_a_first_release_that_fails_has_nothing_to_go_back_to(release, broken):
    done = release(URL=broken, RUNNING="")
    assert deployed(done.told) == ["sha256:new"]


def test_a_deployment_that_fails_is_followed_by_the_digest_before(release):
    done = release(CDK_FAILS="1")
    assert deployed(done.told) == ["sha256:new", "sha256:old"]
    assert not [line for line in done.told if "authorize-security-group-ingress" in line]


def test_a_critical_finding_that_can_be_mended_ends_a_release_before_anything_is_deployed(release):
    done = release(SCAN=CRITICAL, UPGRADABLE="zlib")
    assert len(done.failed) == 1
    assert deployed(done.told) == []
