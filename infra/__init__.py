"""The AWS account: every stack that Ganymede runs in, as CDK constructs; one file a stack."""
