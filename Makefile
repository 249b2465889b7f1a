# `make` lists what there is. CARGO_TARGET_DIR is honoured; scripts/setup chooses the Rust tool chain.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Made by scripts/setup when it is missing, see below: so the first `make run` needs nothing before it.
ifneq ($(filter run build dist site test torture check fmt bench,$(MAKECMDGOALS)),)
  include .build/toolchain
endif
ifdef RUSTUP_TOOLCHAIN
  export RUSTUP_TOOLCHAIN
endif
ifdef TOOLCHAIN_BIN
  export PATH := $(TOOLCHAIN_BIN):$(PATH)
endif

TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help
help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

.PHONY: run
run: ## build for development and run on http://127.0.0.1:8080, data in ./data
	@cargo xtask build
	@echo "▸ starting: http://127.0.0.1:8080, stop with Ctrl-C"
	@exec $(TARGET)/debug/kerberos-vault

.PHONY: build
build: ## the optimised binary, all in one file: target/release/kerberos-vault
	@scripts/setup release
	@cargo xtask build --release

.PHONY: dist
dist: ## what is shipped, in dist/: static binaries for two architectures, images, packages, the chart, checksums
	@scripts/setup dist
	@scripts/dist
	@scripts/dist check

.PHONY: site
site: ## only the browser's half, into target/site
	@cargo xtask site

.PHONY: test
test: ## all tests, against real servers and in a real browser
	@scripts/setup tests
	@scripts/test

.PHONY: torture
torture: ## break disk, volumes and process at every moment, as optimised as what is shipped (about an hour; TORTURE_SEED=n repeats a run)
	@scripts/setup tests
	@TORTURE_LONG=1 cargo test --release --package torture -- --nocapture

.PHONY: check
check: ## formatting, lints, layers, licences
	@scripts/check

.PHONY: fmt
fmt: ## format all Rust
	@cargo fmt --all

.PHONY: bench
bench: ## measure speed and memory into docs/benchmarks.md; single ones: make bench ARGS="media page"
	@scripts/setup tests
	@scripts/setup release
	@scripts/peers
	@cargo xtask build --release
	@echo "▸ building the benchmark"
	@cargo build --release --package server --package bench
	@$(TARGET)/release/bench --date "$$(date +%F)" $(ARGS)

.PHONY: demo
demo: ## send recordings to a running vault, as cameras do (needs ACCESS_KEY and SECRET_KEY)
	@scripts/demo

.PHONY: setup
setup: ## install what building needs; run again after changing your Rust tool chain
	@scripts/setup

.PHONY: clean
clean: ## remove everything built in this clone; keeps ./data
	@scripts/services stop
	rm -rf target/site target/site-work .build end2end/node_modules end2end/test-results
	cargo clean

.build/toolchain:
	@scripts/setup
