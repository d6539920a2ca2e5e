# What one can do here. `make` alone lists it; every recipe is one line, the longer ones are scripts.

# A build that is never repeated needs no incremental cache; it would be gigabytes.
ifdef CI
export CARGO_INCREMENTAL = 0
endif

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run test tools test-tools web fmt lint doc test-rust test-web test-requests test-browser openapi storm sbom deny docker clean

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

run: tools web ## Build everything and start the demo: a campaign one can label at once
	@scripts/run.sh

test: tools test-tools web lint doc test-rust test-web test-requests test-browser ## Run all checks and tests, as CI does; installs what is missing
	@echo "All checks and tests passed."

tools: ## Check that what the build needs is there
	@scripts/check-tools.sh

test-tools: ## Install what the tests need beyond that (chromium, PostgreSQL)
	@scripts/install-test-tools.sh && scripts/install-foreign-tools.sh

web: ## Build the web front end if it changed
	@scripts/build-web.sh

fmt: ## Format the Rust code
	cargo fmt

lint: ## Formatting and clippy, without mercy
	cargo fmt --check && cargo clippy --all-targets -- -D warnings

doc: ## Build the documentation of the code; a broken link is an error
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps

test-rust: ## Rust tests, on SQLite and on a throw-away PostgreSQL
	scripts/with-postgres.sh scripts/test-rust.sh

test-web: web ## Types, unit tests and size of the front end
	cd web && npm run check && npm test && npm run size

test-requests: ## Requests made up after openapi.json, against the real server, by five kinds of people
	scripts/test-made-up-requests.sh

test-browser: web ## The whole job in a real browser, against a demo server
	scripts/test-browser.sh

storm: test-tools ## The long storm of volunteers and faults, half an hour; SEED=… replays one
	scripts/storm.sh $(SEED)

openapi: ## Write openapi.json from the code, and the web client's types from it
	scripts/openapi.sh

sbom: ## Write what the program is made of (CycloneDX) into target/sbom
	scripts/supply-chain.sh sbom

deny: ## Check licences, sources and known faults of what the program is made of (deny.toml)
	scripts/supply-chain.sh deny

docker: ## Build the container image
	docker build --tag aftermap .

clean: ## Remove everything that was built (not data/, not tiles/)
	rm -rf target web/dist web/node_modules
