.DEFAULT_GOAL := help
.PHONY: help run build image test test-engine differential fmt lint doc deny reproducible release mutants miri bench bench-peers syscalls instructions soak fuzz clean

# Further arguments, for instance --only=ping,echo (benches/peers/options.rs has them all).
PEERS ?=

# 1: what `make instructions` counts becomes the budget, benches/peers/instructions.txt.
UPDATE ?=

# How long the soak lasts, in seconds, and further arguments, for instance --rate=3 (benches/soak/options.rs).
SOAK_SECONDS ?= 60
SOAK ?=

# Further arguments, for instance --shard=0/4 or --file=src/http/**.
MUTANTS ?=

# How long each fuzz target runs, in seconds.
FUZZ_SECONDS ?= 60

# The engine that test-engine tries: 20, 26 or 28; none: all of them.
ENGINE ?=

# How many random requests, and which.
REQUESTS ?= 1000000
SEED ?=

help: ## what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 18

run: ## the gate, read-only, in front of this machine's Docker Engine (installs and starts one if need be)
	@scripts/run.sh

build: ## the release binary, target/release/dockgate
	cargo build --release

image: ## the image, with a binary that is compiled here (asks no registry)
	@scripts/image.sh

test: ## every test, those against real Docker daemons included (as root)
	scripts/setup.sh
	cargo test
	DOCKGATE_TEST_RELAY=splice cargo test --test wire -- --skip twins

test-engine: ## what is held against real Docker daemons, against ENGINE=20, 26 or 28 alone (as root)
	scripts/setup.sh
	ENGINE=$(ENGINE) cargo test --test real_daemon

differential: ## REQUESTS random requests (SEED=... for others) before real Docker daemons (ENGINE=... for one), as root
	scripts/setup.sh
	ENGINE=$(ENGINE) DOCKGATE_RANDOM_REQUESTS=$(REQUESTS) DOCKGATE_RANDOM_SEED=$(SEED) cargo test --test real_daemon -- --nocapture "whatever requests are made of, the daemon"

fmt: ## format the code
	cargo fmt

lint: ## formatting and lints, as in CI
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

doc: ## the documentation, warnings being errors
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

deny: ## licences, sources and build scripts of everything that is depended on
	command -v cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny check licenses bans sources

reproducible: ## HEAD is built twice, elsewhere each time, and must have the same bytes
	@scripts/release.sh --check

release: ## that, and in target/release-artifacts the binary, checksums, what is in it, licences
	@scripts/release.sh

mutants: ## whether the tests notice each small change to the code that judges (takes hours)
	command -v cargo-mutants >/dev/null || cargo install --locked cargo-mutants
	cargo mutants --output=target $(MUTANTS)

# Property tests make few cases there; those that are left out say why (`cfg_attr(miri, ignore)`).
miri: ## the tests of the code that judges, watched for undefined behaviour (needs a nightly toolchain with miri)
	PROPTEST_CASES=8 MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --lib -- \
		http:: api:: admission:: policy:: --skip proxy:: --skip process::

bench: ## the benchmarks: what judging costs, what the gate adds to a request
	cargo bench

bench-peers: ## the gate beside a byte copier and HAProxy, as a table (installs HAProxy if need be)
	scripts/peers.sh compare $(PEERS)

syscalls: ## how many system calls a request costs, by name (installs strace and HAProxy if need be)
	scripts/peers.sh syscalls $(PEERS)

instructions: ## user instructions for each request, held to the budget; UPDATE=1 writes it (installs valgrind if need be)
	scripts/peers.sh instructions $(if $(UPDATE),--update) $(PEERS)

soak: ## the gate under mixed load for SOAK_SECONDS, watched for leaks and wrong bytes, as a table
	cargo bench --bench soak -- run --seconds=$(SOAK_SECONDS) $(SOAK)

fuzz: ## each fuzz target for FUZZ_SECONDS
	@FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

clean: ## remove what was built and installed
	cargo clean
