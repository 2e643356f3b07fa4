"""`train` as SageMaker calls it: from the job's files to a model store in its model folder."""

import os
import shutil
import sys
import traceback
from pathlib import Path

from foundation.errors import GanymedeError
from ganymede.tensorflow_loading import load_tensorflow
from training.errors import TrainingProblem
from training.launch.sagemaker import TrainingJob, read_job

MAX_FAILURE_CHARACTERS = 1024
"""What SageMaker shows of the failure file."""

KEPT_TO_GO_ON = ("checkpoints", "export")
"""What of the run folder is no artefact for a person."""


def run_training_job(root: Path) -> int:
    """Train, export, measure and publish what the job under `root` says; return the exit status.

    What goes wrong is one sentence in output/failure, where SageMaker takes the reason from.
    """
    try:
        carry_out(read_job(root, os.environ))
    except (TrainingProblem, GanymedeError) as error:
        sentence = str(error)
    except Exception as error:  # the person may see no more of the job than the failure file
        traceback.print_exc()
        sentence = f"Something unexpected went wrong ({type(error).__name__}: {error}). The log has more."
    else:
        return 0
    print(f"ganymede: {sentence}", file=sys.stderr)
    failure = root / "output" / "failure"
    failure.parent.mkdir(parents=True, exist_ok=True)
    failure.write_text(sentence[:MAX_FAILURE_CHARACTERS], encoding="utf-8")
    return 1


def carry_out(job: TrainingJob) -> None:
    """Train, going on from the job's checkpoints; the chief publishes what it has, also when stopped."""
    from training.config import override
    from training.presets import find_preset

    configuration = override(find_preset(job.preset).defaults, job.assignments)
    if job.tf_config:
        os.environ.setdefault("TF_CONFIG", job.tf_config)
    load_tensorflow()  # it takes seconds: wrong options went first

    from rich.console import Console

    from training.export.exporting import export_run
    from training.launch.devices import require_gpus
    from training.train import train

    require_gpus(job.gpus)
    console = Console()
    outcome = train(
        configuration,
        job.run_folder,
        data_folder=job.data_folder,
        console=console,
        speaks=True,
    )
    if not job.is_chief:
        return
    export_run(job.run_folder)
    if not outcome.interrupted:
        measure(job)
    try:
        if outcome.interrupted and job.max_copied is not None:
            print("Not published: stopped before anybody could look for copies of training pictures.")
        else:
            release(job)
    finally:
        keep_artefacts(job)  # who is refused sees why


def measure(job: TrainingJob) -> None:
    """Measure the exported pictures, where there is a feature network and a test split for them."""
    from training.evaluation.evaluate import evaluate_run

    try:
        evaluate_run(
            job.run_folder,
            features=None,
            data_folder=job.data_folder,
            say=print,
        )
    except TrainingProblem as error:
        print(f"Not measured: {error}")


def release(job: TrainingJob) -> None:
    """Publish the run into the model folder as its production version, for the service to read."""
    from foundation.store import FolderStore, promote
    from training.export.publication import publish_run

    store = FolderStore(job.model_folder)
    publish_run(
        job.run_folder,
        store,
        name=job.name,
        version=job.version,
        licence=job.licence,
        max_copied=job.max_copied,
    )
    promote(store, job.name, job.version)
    print(f"Published {job.name}@{job.version} in {job.model_folder}.")


def keep_artefacts(job: TrainingJob) -> None:
    """Copy the run's configuration, figures, samples and reports to where SageMaker collects artefacts."""
    shutil.copytree(
        job.run_folder,
        job.output_folder,
        ignore=shutil.ignore_patterns(*KEPT_TO_GO_ON),
        dirs_exist_ok=True,
    )
