.DEFAULT_GOAL := help
.PHONY: help run build test fmt lint doc bench clean

help: ## what can be made
	@sed -nE 's/^([a-z]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 14

run: ## the gate, read-only, in front of this machine's Docker Engine (installs and starts one if need be)
	@scripts/run.sh

build: ## the release binary, target/release/dockgate
	cargo build --release

test: ## every test, those against a real Docker daemon included (as root)
	scripts/setup.sh
	cargo test

fmt: ## format the code
	cargo fmt

lint: ## formatting and lints, as in CI
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

doc: ## the documentation, warnings being errors
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

bench: ## the benchmarks
	cargo bench

clean: ## remove what was built and installed
	cargo clean
