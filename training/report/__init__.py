"""A run told in one HTML file that needs nothing else: no server, no script, no other host.

It imports the run, and reads files only: never TensorFlow.
"""

from training.report.report import write_report

__all__ = ["write_report"]
