# One image for a laptop, ECS and SageMaker. Targets: cpu (the default), gpu, training, training-gpu.
#   docker build -t ganymede .
#   docker build -t ganymede:gpu --target gpu .
# For ARM: --platform linux/arm64. What builds runs on the builder's own processor, and of the other one's nothing does,
# so no emulation is needed. The release workflow gives BASE_IMAGE with its digest.
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM --platform=$BUILDPLATFORM ${BASE_IMAGE} AS builder
ENV PIP_CACHE_DIR=/var/cache/pip PIP_CONFIG_FILE=/etc/pip-target.conf
RUN apt-get update && apt-get install -y --no-install-recommends binutils-multiarch && rm -rf /var/lib/apt/lists/*
# Numbers for the user: Kubernetes and ECS can check them.
RUN groupadd --gid 10001 ganymede \
 && useradd --uid 10001 --gid ganymede --no-create-home --home-dir /tmp --shell /usr/sbin/nologin ganymede \
 && install -d -o ganymede -g ganymede /var/cache/ganymede
RUN python -m venv --without-pip /opt/venv
# Wheels for the image's processor, where that is not the builder's: of manylinux 2014, 2.17 to 2.28.
ARG BUILDARCH TARGETARCH
RUN touch "$PIP_CONFIG_FILE" && if [ "$TARGETARCH" != "$BUILDARCH" ]; then \
      case $TARGETARCH in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) machine=$TARGETARCH ;; esac; \
      { printf '[install]\ntarget = %s\nplatform =\n' /opt/venv/lib/python3.*/site-packages; \
        printf "  manylinux_2_%s_$machine\n" $(seq 17 28); echo "  manylinux2014_$machine"; } >"$PIP_CONFIG_FILE"; \
    fi
WORKDIR /build

FROM builder AS packages-cpu
COPY requirements/image-cpu.txt requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: -r requirements.txt

# What no server reads: the packages' own tests and what only those import, sources, type stubs and debug symbols, ONNX Runtime once more for
# programs in C (Python's module has it inside), ONNX's evaluator in Python, colours for source code in other languages
# than Python, and AWS APIs that are not S3's.
RUN cd /opt/venv/lib/python3.*/site-packages \
 && rm -rf onnx/backend/test onnx/reference onnx/fuzz boto3/data boto3/examples onnxruntime/transformers onnxruntime/tools onnxruntime/quantization \
    onnxruntime/capi/libonnxruntime.so.* numpy/distutils numpy/f2py numpy/_core/_simd.*.so numpy/_core/_*_tests.*.so securesystemslib/_vendor/ed25519/test_data \
 && find pygments/lexers -name '*.py*' ! -name '__init__.*' ! -name '_mapping.*' ! -name 'special.*' ! -name 'python.*' -delete \
 && find . -type d -name tests -prune -exec rm -rf {} + \
 && find . \( -name '*.pyi' -o -name '*.cc' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyx' -o -name '*.pxi' -o -name '*.c' \
    -o -name '*.proto' -o -name '*.a' \) -delete \
 && find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts ! -name 'sso*' ! -name signin \
    -exec rm -rf {} + \
 && find . -name '*.so' ! -path '*.libs/*' ! -path './onnxruntime/*' -exec strip --strip-unneeded {} +

FROM builder AS packages-gpu
COPY requirements/image-gpu.txt requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: -r requirements.txt

FROM builder AS packages-training
COPY requirements/image-training.txt requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: -r requirements.txt

FROM builder AS packages-training-gpu
COPY requirements/image-training-gpu.txt requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: -r requirements.txt

# The code of all targets: the wheel, laid into /app and compiled, so that it knows its version.
FROM builder AS code
COPY requirements/build.txt requirements.txt
RUN --mount=type=cache,target=/var/cache/pip \
    python -m pip --python /opt/venv/bin/python install --require-hashes --no-deps --only-binary :all: -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY foundation foundation
COPY service service
COPY training training
COPY ganymede ganymede
RUN /opt/venv/bin/python -m hatchling build --target wheel \
 && python -m pip --python /opt/venv/bin/python install --no-index --no-deps --target /app dist/*.whl \
 && rm -r /app/bin && cp LICENSE /app

# What all targets share but the packages.
FROM ${BASE_IMAGE} AS runtime
COPY --from=builder /etc/passwd /etc/group /etc/shadow /etc/gshadow /etc/
COPY --from=builder --chown=10001:10001 /var/cache/ganymede /var/cache/ganymede
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    XDG_CACHE_HOME=/var/cache/ganymede \
    ORT_DISABLE_TELEMETRY=1 \
    GANYMEDE_HOST=0.0.0.0 \
    GANYMEDE_PORT=8080 \
    GANYMEDE_LOG_FORMAT=json
WORKDIR /app
# The root file system may be read-only: these two are all that is written to.
VOLUME ["/tmp", "/var/cache/ganymede"]
STOPSIGNAL SIGTERM
USER 10001:10001
ENTRYPOINT ["python", "-m", "ganymede.container"]

FROM runtime AS server
EXPOSE 8080
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-m", "ganymede.container", "health"]

# Packages change seldom, models now and then, code always: in this order, a release pushes a few megabytes.
FROM server AS gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-gpu /opt/venv /opt/venv
COPY models models
COPY --from=code /app ./

FROM runtime AS training
COPY --from=packages-training /opt/venv /opt/venv
COPY --from=code /app ./
# SageMaker lays /opt/ml for root, and expects to run training as root.
USER root
CMD ["train"]

# The same, with a TensorFlow that knows CUDA: for instances with NVIDIA cards. The driver is the host's.
FROM runtime AS training-gpu
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=packages-training-gpu /opt/venv /opt/venv
COPY --from=code /app ./
USER root
CMD ["train"]

FROM server AS cpu
COPY --from=packages-cpu /opt/venv /opt/venv
COPY models models
COPY --from=code /app ./
