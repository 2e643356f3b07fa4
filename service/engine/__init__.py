"""From inputs to pictures: admission, batches, the generator on its device, and walks chunk by chunk.

It imports the foundation, `requests` and `encoding`; it knows no HTTP and no store.
"""
