"""The workflows trust nothing unpinned, may write nothing, and call nothing that is not there."""

import re
import shlex
import subprocess

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.patience import PATIENCE_S

FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob("*.yml"))}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"].values()]
STEPS = [(name, step) for name, job in JOBS for step in job.get("steps", [])]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
NO_TARGETS = {"sure", "X", "…"}
"""What follows "make" where it is no command."""


def find_targets(text):
    """What a shell script, or a line in a document, tells `make` to make."""
    for line in re.findall(r"^.*\bmake .*$", text, re.MULTILINE):
        words = iter(split_words(line))
        for word in words:
            if word == "make":
                yield from take_targets(words)


def split_words(line):
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    reader.commenters = "#"
    return reader


def take_targets(words):
    for word in words:
        if set(word) <= set(";&|<>()"):
            return
        if not word.startswith("-") and "=" not in word:
            yield word


def is_target(name):
    done = subprocess.run(
        ["make", "--dry-run", name],
        cwd=REPOSITORY,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return done.returncode == 0


def test_the_words_behind_make_are_found():
    assert list(find_targets('make lint\n{ make --silent diff "ENV=$x" "B=$y"; echo z; } | tee a')) == [
        "lint",
        "diff",
    ]
    assert list(find_targets("make .venv/.dev .cache/x && make image TARGETS=training # make nothing")) == [
        ".venv/.dev",
        ".cache/x",
        "image",
    ]
    assert is_target("lint")
    assert not is_target("nothing")


def test_all_that_a_workflow_makes_is_a_target_of_the_makefile():
    named = {target for _, step in STEPS for target in find_targets(step.get("run", ""))}
    assert {"lint", "check", "test", "wheel", "infra", "image"} <= named
    assert [name for name in sorted(named) if not is_target(name)] == []


def test_all_that_a_document_tells_to_make_is_a_target_of_the_makefile():
    told = {
        target
        for document in DOCUMENTS
        for command in re.findall(r"`(make [^`\n]+)`|^(make .+)$", document.read_text(), re.MULTILINE)
        for target in find_targets("".join(command))
    }
    assert {"serve", "check", "test", "coverage", "wheel"} <= told
    assert [name for name in sorted(told - NO_TARGETS) if not is_target(name)] == []


def test_every_script_that_a_workflow_runs_is_there():
    scripts = {
        word
        for _, step in STEPS
        for word in re.findall(r"(?:\./)?\bdeploy/\w+(?:\.py)?", step.get("run", ""))
    }
    assert scripts
    assert [name for name in sorted(scripts) if not (REPOSITORY / name).is_file()] == []


def test_every_action_is_pinned_by_its_commit():
    used = [step["uses"] for _, step in STEPS if "uses" in step] + [
        job["uses"] for _, job in JOBS if "uses" in job
    ]
    assert used
    for action in used:
        if action.startswith("./"):
            assert (REPOSITORY / action).is_file(), action
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action


def test_no_workflow_may_write_to_the_repository():
    for name, workflow in WORKFLOWS.items():
        assert isinstance(workflow["permissions"], dict), f"{name} has no list of permissions of its own"
    given = [workflow["permissions"] for workflow in WORKFLOWS.values()]
    given += [job["permissions"] for _, job in JOBS if "permissions" in job]
    for permissions in given:
        assert {scope for scope, right in permissions.items() if right == "write"} <= {"id-token"}
        assert set(permissions.values()) <= {"read", "write", "none"}


def test_no_job_leaves_the_repositorys_token_behind_or_runs_for_ever():
    for name, step in STEPS:
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False, name
    for name, job in JOBS:
        assert "uses" in job or 0 < job["timeout-minutes"] <= 120, name


def test_no_workflow_runs_what_a_stranger_sent_with_rights_or_puts_it_into_a_script():
    for name, workflow in WORKFLOWS.items():
        triggers = workflow[True]  # YAML 1.1 takes `on` for a truth
        assert not {"pull_request_target", "workflow_run", "issue_comment"} & set(triggers), name
    for name, step in STEPS:
        assert "${{" not in step.get("run", ""), f"{name}: an expression goes through env, not into a script"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_job_waits_for_jobs_that_are_there(name):
    jobs = WORKFLOWS[name]["jobs"]
    for job in jobs.values():
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= set(jobs)
