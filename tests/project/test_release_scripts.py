"""What the release's scripts tell `aws`, `cdk` and `curl`: stand-ins note their words."""

import json
import os
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S

NOTE = """#!/bin/sh
echo "${0##*/} $*" >> "$NOTES"
case "${0##*/} $*" in
curl*) echo 203.0.113.7 ;;
*"'Missing'"*) echo ;;
*type=tar,dest=attested.tar*) echo '{}' >sbom.spdx.json; echo '{}' >provenance.json
    tar --create --file attested.tar sbom.spdx.json provenance.json; rm sbom.spdx.json provenance.json ;;
oras*) exit "${REFUSED:-0}" ;;
*MediaType*) echo "$KIND" ;;
*Digest*) echo "sha256:$FOUND" ;;
*describe-stacks*) echo https://pictures.test ;;
esac
"""


@pytest.fixture
def run(tmp_path):
    """Run a script with stand-ins for what it calls; its result, and what they were told."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("aws", "cdk", "curl", "docker", "oras", "skopeo"):
        (folder / name).write_text(NOTE)
        (folder / name).chmod(0o755)
    notes = tmp_path / "notes"

    def script(name, *arguments, **variables):
        notes.write_text("")
        done = subprocess.run(
            [REPOSITORY / "deploy" / name, *arguments],
            cwd=tmp_path,
            env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "NOTES": str(notes), **variables},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return done, notes.read_text().splitlines()

    return script


@pytest.mark.parametrize("command", ["true", "false", "exit 3", "kill -TERM $$"])
def test_the_balancer_is_open_to_this_machine_for_one_command_however_it_ends(run, command):
    done, told = run("reach", "sg-1", "443", "sh", "-c", f"echo asked >> $NOTES; {command}")
    rule = "--group-id sg-1 --protocol tcp --port 443 --cidr 203.0.113.7/32"
    assert told[1:] == [
        f"aws ec2 authorize-security-group-ingress {rule}",
        "asked",
        f"aws ec2 revoke-security-group-ingress {rule}",
    ]
    assert (done.returncode == 0) == (command == "true")


MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"


@pytest.mark.parametrize(
    ("kind", "taken"),
    [
        (MANIFEST, True),
        ("application/vnd.docker.distribution.manifest.v2+json", True),
        (INDEX, False),
        ("application/vnd.docker.distribution.manifest.list.v2+json", False),
        ("", False),
    ],
)
def test_what_sagemaker_would_refuse_ends_the_release_at_its_push(run, kind, taken):
    done, told = run("push", "r.test/g:release-1", "cpu", "--label", "a=b c", KIND=kind, FOUND="1")
    assert (done.returncode == 0, done.stdout) == (taken, "sha256:1\n" if taken else "")
    for word in ("--platform linux/amd64", "--provenance=false", "--sbom=false", "--push", "--label a=b c"):
        assert word in told[0]


@pytest.mark.parametrize(("found", "status"), [("1", 0), ("2", 1)])
def test_a_copy_that_is_not_what_was_proven_ends_the_release(run, found, status):
    done, told = run("promote", "dev.test/g@sha256:1", "prod.test/g:release-1", KIND=MANIFEST, FOUND=found)
    assert done.returncode == status
    assert told[0].startswith("skopeo copy --preserve-digests docker://dev.test/g@sha256:1 ")


@pytest.mark.parametrize("refused", [0, 1])
def test_both_files_are_attached_to_the_digest_and_no_archive_stays_behind(run, tmp_path, refused):
    done, told = run("attest", "dev.test/g@sha256:1", "cpu", "--label", "a=b c", REFUSED=str(refused))
    assert done.returncode == refused
    for word in ("--provenance=mode=max", "--sbom=true", "--platform linux/amd64", "--label a=b c"):
        assert word in told[0]
    attached = [line for line in told if line.startswith("oras attach dev.test/g@sha256:1 ")]
    assert [line.rpartition(" ")[2].partition(":")[0] for line in attached] == (
        ["sbom.spdx.json"] if refused else ["sbom.spdx.json", "provenance.json"]
    )
    assert {path.name for path in tmp_path.iterdir()} == {"bin", "notes", "sbom.spdx.json", "provenance.json"}


def test_keys_and_a_model_are_named_once_and_stay(run):
    _, [told] = run("deploy", "dev", "sha256:1", "sha256:2")
    assert "ApiKeyEntries" not in told
    assert "ModelVersion" not in told
    assert "Ganymede-dev-Bulk:ImageDigest=sha256:1" in told
    _, [told] = run("deploy", "dev", "sha256:1", "sha256:2", API_KEY_ENTRIES="me:1", MODEL_VERSION="m@v2")
    assert "Ganymede-dev-Service:ApiKeyEntries=me:1" in told
    for stack in ("Realtime", "Bulk"):
        assert f"Ganymede-dev-{stack}:ModelVersion=m@v2" in told


def test_an_output_that_is_not_there_is_an_error_and_no_empty_word(run):
    done, _ = run("output", "Ganymede-dev-Service", "Url")
    assert done.stdout == "https://pictures.test\n"
    done, _ = run("output", "Ganymede-dev-Service", "Missing")
    assert (done.returncode, done.stdout) == (1, "")


BASIC = {"name": "CVE-1", "severity": "CRITICAL", "attributes": [{"key": "package_name", "value": "zlib"}]}
ENHANCED = {
    "severity": "CRITICAL",
    "fixAvailable": "NO",
    "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-2", "vulnerablePackages": [{"name": "numpy"}]},
}


@pytest.mark.parametrize(
    ("findings", "upgradable", "status"),
    [
        ({}, "", 0),
        ({"findings": [BASIC]}, "", 0),
        ({"findings": [BASIC]}, "zlib1g\nzlib\n", 1),
        ({"findings": [BASIC | {"severity": "HIGH"}]}, "zlib\n", 0),
        ({"enhancedFindings": [ENHANCED]}, "", 0),
        ({"enhancedFindings": [ENHANCED | {"fixAvailable": "YES"}]}, "", 1),
    ],
    ids=str,
)
def test_only_what_can_be_mended_stops_a_release(tmp_path, findings, upgradable, status):
    (tmp_path / "scan.json").write_text(json.dumps({"imageScanFindings": findings}))
    (tmp_path / "upgradable").write_text(upgradable)
    done = subprocess.run(
        [sys.executable, REPOSITORY / "deploy/fixable.py", tmp_path / "scan.json", tmp_path / "upgradable"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == status
    assert ("CVE" in done.stdout) == ("CRITICAL" in json.dumps(findings))
