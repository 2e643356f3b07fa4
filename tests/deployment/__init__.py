"""`ganymede deploy aws` against moto, with stand-ins for `cdk` and `docker` on PATH that note their calls."""
