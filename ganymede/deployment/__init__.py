"""A first deployment to AWS and its end: what was asked for, what would fail later, what it costs, the steps.

It imports `foundation` alone, and boto3; CDK, Docker and git are programs that it calls. So the extra `infra`
suffices, and whoever deploys needs no TensorFlow and no service.
"""
