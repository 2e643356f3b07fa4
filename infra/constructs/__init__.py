"""Parts that stacks are made of: a task, a load balancer, an endpoint, rights.

They import `infra.configuration` and each other, never a stack.
"""
