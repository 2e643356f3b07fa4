"""A file for each command, or for a few that belong together: its options, and what it says at the end.

What a command does, `service`, `training`, `foundation` and `ganymede.imports` do. It imports the heavy
ones when it runs, not before: `ganymede --help` must not wait for TensorFlow, nor need an extra.
"""
