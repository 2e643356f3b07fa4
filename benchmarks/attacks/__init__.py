"""What other clients notice of an attack: `python -m benchmarks.attacks`."""
