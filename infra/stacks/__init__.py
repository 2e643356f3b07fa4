"""The stacks: what is deployed, changed and removed together, one a file.

They import the constructs; `infra.app` puts them together, and a stack that watches others names their types.
"""
