"""Other people's APIs on the same engine: the Open Inference Protocol, and SageMaker's container contract.

It imports `endpoints` and every room below it.
"""
