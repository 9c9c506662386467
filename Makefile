# Two commands matter to a newcomer: `make run` and `make test`. The rest is for who works on Balie.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.ONESHELL:
MAKEFLAGS += --no-print-directory

BALIE_DATA   ?= ./data
BALIE_LISTEN ?= 127.0.0.1:8080
WEB_SOURCES  := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -path web/e2e -prune -o -type f -print 2>/dev/null)

.PHONY: help run dev test check fmt types e2e real bench fuzz deny web
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z0-9]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  make %-7s %s\n", $$1, $$2 }'

run: web ## build everything and start Balie with the playground, data in ./data
	cargo build --release --locked
	exec target/release/balie serve --playground --data "$(BALIE_DATA)" --listen "$(BALIE_LISTEN)"

dev: ## the server (debug) with the page served by Vite, which reloads as you edit
	exec scripts/dev

test: ## everything that is checked, as CI does it: about twenty minutes on two cores
	exec scripts/test

check: web ## the fast half of `make test`: formatting, lints, types; no servers
	scripts/fmt --check
	cargo clippy --all-targets --locked -- -D warnings
	npm --prefix web run check

fmt: ## format the Rust code
	scripts/fmt

types: ## write the page's API types anew from the server's own description
	mkdir -p web/dist
	scripts/types

e2e: web ## the page in a real browser on the real binary: make e2e ARGS='-g claim --headed'
	scripts/needs test
	cargo build --locked
	cd web && BALIE_BIN="$(CURDIR)/target/debug/balie" npx playwright test $(ARGS)

real: web ## the story against real networks: make real ARGS=tests/real/mastodon.test.mjs
	scripts/needs test
	cargo build --locked
	scripts/real $(ARGS)

bench: web ## the measured promises on both engines, into target/bench.json
	scripts/needs test
	cargo build --release --locked
	scripts/with-postgres cargo bench --locked $(if $(ARGS),-- $(ARGS))

fuzz: ## let the fuzzer loose on what strangers send: make fuzz ARGS='10 mail' (minutes, targets)
	scripts/fuzz $(ARGS)

deny: ## licences, bans and known holes of all dependencies (`make test` does all but the holes: those need GitHub)
	scripts/deny --all

web: web/dist/index.html ## build the page into web/dist, which the binary embeds

web/dist/index.html: $(WEB_SOURCES)
	scripts/needs run
	scripts/web-deps
	npm --prefix web run build
	touch $@
