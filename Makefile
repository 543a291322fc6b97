# A newcomer needs two commands: `make demo` and `make test`. Both bring what they need into .venv, once.

.DEFAULT_GOAL := help
.PHONY: help setup demo run test check bench nightly vectors messages verifier lock audit
.DELETE_ON_ERROR:

PYTHON := .venv/bin/python
UV := $(shell command -v uv)
ifdef UV
CREATE := uv venv --quiet .venv
INSTALL := uv pip install --quiet --python $(PYTHON) --require-hashes --requirement
else
CREATE := python3 -m venv .venv
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement
endif

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: .venv/.dev  ## install everything for development into .venv

demo: .venv/.server  ## run a whole election and verify it; options as ARGS="--voters 100 --bits 3072"
	@$(PYTHON) manage.py migrate --verbosity 0
	@$(PYTHON) manage.py demo $(ARGS)

run: .venv/.server  ## serve the site on http://localhost:8000
	@$(PYTHON) manage.py migrate --verbosity 0
	@$(PYTHON) manage.py runserver $(ARGS)

test: .venv/.dev  ## run the tests; a part of them as ARGS="tests/verifier -k merkle"
	@$(PYTHON) -m pytest --quiet -n 2 $(ARGS)

check: .venv/.dev  ## check format, lint, types, layers and migrations
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy --strict verifier tally
	@.venv/bin/mypy --config-file voting/mypy.ini voting
	@.venv/bin/lint-imports
	@$(PYTHON) manage.py makemigrations --check --dry-run

bench: .venv/.dev  ## measure; one JSON line for each measurement
	@set -e; for program in tests/bench/*.py; do \
		case $$program in */_*.py) continue ;; esac; \
		$(PYTHON) -m "tests.bench.$$(basename "$$program" .py)"; \
	done

CASES := 10000
nightly: .venv/.dev  ## compare the browser's cryptography with Python's in CASES random cases, and look for vulnerabilities
	@$(PYTHON) -m tests.cross --cases $(CASES)
	@$(MAKE) --no-print-directory audit

vectors: .venv/.dev  ## make the test vectors again, which must change nothing
	@$(PYTHON) -m tests.vectors.generate
	@changes=$$(git status --porcelain -- 'tests/vectors/*.json'); test -z "$$changes" || { \
		echo "The test vectors changed:"; echo "$$changes"; exit 1; } >&2

EASY := voting/locale/ja_Easy/LC_MESSAGES/django.po
# What has no Japanese yet is empty or fuzzy in ja; a test finds it. Easy Japanese is only what a voter needs.
messages: .venv/.dev  ## collect sentences for translation, and compile what is translated (needs gettext)
	@$(PYTHON) manage.py makemessages --verbosity 0 --locale ja --locale ja_Easy --add-location file --no-obsolete --ignore .venv
	@msgattrib --translated --no-fuzzy --no-obsolete --output-file $(EASY) $(EASY)
	@$(PYTHON) manage.py compilemessages --verbosity 0 --ignore .venv

# One file with our code only: gmpy2 and PyNaCl are compiled, so they (and rfc8785 and rich) are installed beside it.
verifier: .venv/.server  ## build dist/verify.pyz, the verifier in one file (needs gmpy2, PyNaCl, rfc8785, rich)
	@rm -rf build/verify dist/verify.pyz
	@mkdir -p build/verify dist
	@cp -R verifier build/verify/
	@find build/verify -name __pycache__ -prune -exec rm -r {} +
	@cp verifier/__main__.py build/verify/
	@$(PYTHON) -m zipapp --compress --python "/usr/bin/env python3" --output dist/verify.pyz build/verify
	@echo dist/verify.pyz

lock:  ## resolve the dependencies again and export them with their hashes (needs uv)
	@uv lock $(ARGS)
	@uv export --quiet --locked --no-emit-project --no-header --no-dev --extra server --output-file requirements.txt
	@uv export --quiet --locked --no-emit-project --no-header --extra server --output-file requirements-dev.txt

audit: .venv/.dev  ## look for known vulnerabilities in the pinned dependencies (asks pypi.org)
	@.venv/bin/pip-audit --disable-pip --require-hashes --requirement requirements.txt

$(PYTHON):
	@$(CREATE)

# The stamps say what .venv holds, so that nothing is installed twice.
.venv/.server: requirements.txt | $(PYTHON)
	@echo "Installing what the site needs into .venv (once)" >&2
	@$(INSTALL) requirements.txt
	@touch $@

.venv/.dev: requirements-dev.txt | $(PYTHON)
	@echo "Installing what development needs into .venv (once)" >&2
	@$(INSTALL) requirements-dev.txt
	@touch .venv/.server $@
