"""The HTTP service: loads released generators and answers with pictures."""
