"""Attacks and broken inputs that take long: `make faults`."""
