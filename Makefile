# Copyright: (c) 2026, ekspress.eks contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

# Every target sets up what it needs first; where that is done already it costs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-upstream lint sandbox down bench-subnets bench-tasks bench-identity bench-addons requirements clean setup

# The Python that .venv is made with: 3.11 to 3.13. Give another one with: make PYTHON=/path/to/python3.12
PYTHON ?= $(shell for python in .venv/bin/python python3.11 python3 python3.12 python3.13; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	&& echo "$$python" && break; done)
RUN := PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: setup ## Turn a bare cluster into a platform in the sandbox, show what was made, run again
	@$(RUN) -m sandbox.demo

test: setup ## Run everything that must hold: lint, then all tests (about 50 minutes, the first time up to 80)
	@$(RUN) -m scripts.test

test-upstream: setup ## Run the add-on roles with upstream's own charts: EKS_CHARTS=/a/directory make test-upstream
	@$(RUN) -m tests.upstream.run

lint: setup ## Run the linters, ansible-test sanity and the project's own checks
	@$(RUN) -m scripts.lint

sandbox: setup ## Start AWS and an EKS cluster on this machine
	@$(RUN) -m sandbox up

down: setup ## End the sandbox
	@$(RUN) -m sandbox down

bench-subnets: setup ## Compare subnet_tags with a loop of amazon.aws.ec2_tag
	@$(RUN) -m tests.benchmarks.bench_subnets

bench-tasks: setup ## Compare tasks in process with the same tasks as modules
	@$(RUN) -m tests.benchmarks.bench_tasks

bench-identity: setup ## Compare irsa_roles with a loop of amazon.aws.iam_role
	@$(RUN) -m tests.benchmarks.bench_identity

bench-addons: setup ## Compare the add-ons of site with amazon.aws and kubernetes.core
	@$(RUN) -m tests.benchmarks.bench_addons

requirements: setup ## Pin the newest Python packages that requirements/*.in allow
	@for file in requirements/*.in; do echo "$${file%.in}.txt"; $(RUN) -m uv pip compile --quiet --upgrade --generate-hashes \
		--no-emit-index-url --python-version 3.11 "$$file" -o "$${file%.in}.txt" || exit 1; done

clean: ## Remove .venv and all that was built here (end a running sandbox first: make down)
	rm -rf .venv .build .ansible .mypy_cache .ruff_cache .pytest_cache .hypothesis

setup:
	@if [ -z "$(PYTHON)" ]; then echo "error: no Python 3.11 to 3.13 was found. Install Python 3.11, or name one:" \
		"make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@$(PYTHON) scripts/setup.py
