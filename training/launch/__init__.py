"""Where a run is started: several devices or machines, SageMaker's jobs, and what suits this machine.

It imports the configuration and the run.
"""
