# Everything a developer does. `make demo` needs Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
KAFKA := .cache/kafka
QUIX := .cache/quix
ARGS ?=

.PHONY: demo up test scenarios check docs audit bench crash-matrix watching screenshots sbom kubernetes kafka axe lock clean

## demo: a simulated voting day on this machine; ARGS="--speed 120 --villages 33"
demo: $(VENV)/runtime
	$(BIN)/siaga demo $(ARGS)

## up: all of Siaga in this terminal, with your own registry
up: $(VENV)/runtime
	$(BIN)/siaga up $(ARGS)

## test: every test the machine has the parts for; ARGS="tests/unit -k severity"
test: $(VENV)/dev kafka axe
	$(BIN)/python -m pytest --ignore=tests/benchmarks -n auto --maxprocesses 4 --dist worksteal $(ARGS)

## scenarios: every drill that comes with Siaga, played against a demonstration
scenarios: $(VENV)/dev
	SIAGA_TEST_SCENARIOS=all $(BIN)/python -m pytest tests/integration/test_drills.py $(ARGS)

## check: style, types and the direction of imports
check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit -q -c pyproject.toml -r siaga producers streams sinks console

## docs: the documentation as a site, into build/site; it needs no network to be read
docs: $(VENV)/dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

## audit: known vulnerabilities of the locked packages; needs an index that publishes advisories, such as PyPI's
audit: $(VENV)/dev
	$(BIN)/pip-audit --strict --disable-pip --require-hashes -r requirements.lock $(ARGS)

## bench: the benchmarks, with their figures
bench: $(VENV)/dev kafka $(QUIX)/.complete
	$(BIN)/python -m pytest tests/benchmarks -s $(ARGS)

## crash-matrix: have everything go wrong that can and count pages; ARGS="--write docs/reference/crash-matrix.md"
crash-matrix: $(VENV)/dev
	$(BIN)/python -m tests.support.crash_document $(ARGS)

## watching: the page of alerts and the dashboards, from what they are made of
watching: $(VENV)/dev
	$(BIN)/python deploy/prometheus/reference.py
	$(BIN)/python deploy/grafana/write.py

## screenshots: pictures of every view into build/screenshots, of a demonstration; SIAGA_OUTLINES draws a map
screenshots: $(VENV)/dev
	$(BIN)/python -m tests.support.screenshots

## sbom: what is in the image, by name, version and hash, into build/sbom.cdx.json
sbom: $(VENV)/dev
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --short-PURLs --validate \
	  --of JSON -o build/sbom.cdx.json requirements.lock

## kubernetes: Strimzi's users of Kafka from what each process may do, and the Prometheus operator's rules
kubernetes: $(VENV)/dev
	$(BIN)/python deploy/kubernetes/kafka_users.py
	$(BIN)/python deploy/kubernetes/prometheus_rules.py

## kafka: Apache Kafka's jars for the tests, where there are Java and Maven
kafka: $(KAFKA)/.complete

$(KAFKA)/.complete: deploy/kafka/pom.xml
	@if ! command -v java >/dev/null || ! command -v mvn >/dev/null; then \
	  echo "no Java or no Maven: tests against Apache Kafka will be skipped"; \
	elif rm -rf $(KAFKA) && mkdir -p $(KAFKA) && \
	  mvn -q -B -f deploy/kafka/pom.xml dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/$(KAFKA); then \
	  touch $@; \
	else \
	  rm -rf $(KAFKA); \
	  echo "Apache Kafka could not be downloaded: tests against it will be skipped"; \
	fi

## axe: what the browser tests judge the pages by, where there is npm
axe: .cache/axe/axe.min.js

.cache/axe/axe.min.js:
	@if ! command -v npm >/dev/null; then \
	  echo "no npm: tests with axe-core will be skipped"; \
	elif mkdir -p $(@D) && cd $(@D) && npm pack --silent axe-core@4.10.3 >/dev/null && \
	  tar -xzf axe-core-4.10.3.tgz --strip-components=1 package/axe.min.js; then \
	  rm axe-core-4.10.3.tgz; \
	else \
	  echo "axe-core could not be downloaded: tests with it will be skipped"; \
	fi

# What the streams are measured against; in an environment of its own, as it wants an older pydantic.
$(QUIX)/.complete: tests/benchmarks/quix-requirements.txt
	@rm -rf $(QUIX) && $(PYTHON) -m venv $(QUIX)
	@$(QUIX)/bin/pip --disable-pip-version-check --quiet install -r tests/benchmarks/quix-requirements.txt && touch $@ \
	  || echo "Quix Streams could not be installed: nothing is compared with it"

# The lock names every package with its version and hashes; what does not match is refused.
$(VENV)/runtime: requirements.lock pyproject.toml
	$(call install,requirements.lock)
	@touch $@

$(VENV)/dev: requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)
	@touch $@ $(VENV)/runtime

define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Siaga needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing $(1) into $(VENV)"
	@$(PIP) install --require-hashes -r $(1)
	@$(PIP) install --no-deps --no-build-isolation -e .
endef

## lock: write the lock files anew from pyproject.toml
lock: $(VENV)/dev
	$(PIP) install pip-tools
	$(call compile,requirements.lock)
	$(call compile,requirements-dev.lock,--extra dev)

define compile
	$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --build-deps-for=editable --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-options $(2) --output-file $(1) pyproject.toml
endef

clean:
	rm -rf $(VENV) .cache build dist *.egg-info
