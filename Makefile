# `make` lists the targets. Everything longer than a line or two is in Scripts/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

# What Debian 12 calls the C libraries and tools; those that are already there are left alone.
BUILD_PACKAGES := build-essential git pkg-config \
    ocl-icd-opencl-dev opencl-headers libclfft-dev libvkfft-dev libfftw3-dev libtiff-dev libpng-dev libexpat1-dev \
    libblosc-dev libzstd-dev zlib1g-dev liblz4-dev libbz2-dev liblzma-dev libcurl4-openssl-dev pocl-opencl-icd
PYTHON_PACKAGES := python3 python3-venv
# ImageJ opens what we write, and is asked in Java.
TEST_PACKAGES := $(PYTHON_PACKAGES) default-jdk-headless libij-java
LINT_PACKAGES := git shellcheck

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: install
install: ## Install the Debian packages that are missing
	@Scripts/install.sh $(BUILD_PACKAGES)

.PHONY: build
build: ## Build the command: .build/release/gpudeconv
	@swift build -c release --product gpudeconv

.PHONY: demo
demo: install build ## Simulate a cell, deconvolve it, and say how much sharper it became
	@Scripts/demo.sh .build/release/gpudeconv

.PHONY: manual
manual: install build ## Man pages, and completions for bash, zsh and fish: manual/share/
	@Scripts/manual.sh .build/release/gpudeconv

.PHONY: bundle
bundle: install ## A folder and tarball that run where nothing is installed: bundle/
	@Scripts/bundle.sh

.PHONY: library
library: install ## The library for C and other languages: library/lib/libgpudeconv.so and its header
	@Scripts/library.sh

.PHONY: wheel
wheel: library ## The Python package, for any Python 3 on Linux: Python/dist/gpudeconv-*.whl
	@Scripts/install.sh $(PYTHON_PACKAGES)
	@Scripts/wheel.sh

.PHONY: test-bundle
test-bundle: bundle ## Try the bundle in a bare Debian root, and beside this machine's OpenCL drivers
	@Scripts/test-bundle.sh

.PHONY: test
test: ## Install, build and test everything
	@Scripts/install.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@Scripts/make-test-python.sh
	@Scripts/test.sh
	@$(MAKE) --no-print-directory test-python

.PHONY: test-asan
test-asan: ## The same tests under AddressSanitizer
	@Scripts/install.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@Scripts/make-test-python.sh
	@Scripts/test.sh address

.PHONY: test-python
test-python: wheel ## The tests of the Python package, on the wheel in a clean virtual environment
	@Scripts/test-python.sh

CASES ?= small,middle,large
THREADS ?= 2
.PHONY: bench
bench: install build ## Time it beside its peers: CASES=small,middle,large THREADS=2 ONLY=...
	@Scripts/install.sh $(PYTHON_PACKAGES)
	@Scripts/bench.sh --cases "$(CASES)" --threads "$(THREADS)" $(if $(ROUNDS),--rounds "$(ROUNDS)") \
	    $(if $(ONLY),--only "$(ONLY)") $(if $(OUTPUT),--output "$(OUTPUT)")

.PHONY: quality
quality: install build ## How near methods and peers come to the truth; renews Documentation/Quality.md: QUICK=1 PEERS=no ONLY=...
	@Scripts/install.sh $(PYTHON_PACKAGES)
	@Scripts/quality.sh --threads "$(THREADS)" $(if $(QUICK),--quick) $(if $(filter no,$(PEERS)),--no-peers) \
	    $(if $(ONLY),--only "$(ONLY)")

.PHONY: test-intel
test-intel: ## The tests that use OpenCL, on Intel's CPU runtime (230 MB from PyPI)
	@Scripts/install.sh $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@Scripts/make-test-python.sh
	@Scripts/test-intel.sh

.PHONY: test-oclgrind
test-oclgrind: install build ## The device path on a simulator that watches every access to memory
	@Scripts/install.sh oclgrind
	@Scripts/test-oclgrind.sh

.PHONY: format
format: ## Format all Swift files in place
	@git ls-files -z '*.swift' | xargs -0 swift format format --in-place --parallel

.PHONY: lint
lint: ## Check formatting, documentation comments, scripts, and links
	@Scripts/install.sh $(LINT_PACKAGES)
	@Scripts/lint.sh

.PHONY: clean
clean: ## Remove everything that was built, the demo and the bundle
	@rm -rf .build .build-test .build-asan .build-bundle .venv-test .venv-bench .venv-quality .quality .venv-intel .venv-wheel .venv-python \
	    demo bundle library Python/dist Python/build Python/gpudeconv.egg-info
