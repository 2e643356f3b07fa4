"""Admission, batches, devices, walks chunk by chunk: `service/engine`."""
