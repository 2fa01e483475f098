# make help prints every target. Only lab, test and prove need a Docker engine;
# scripts/setup starts or installs one where none answers.

SHELL := /bin/sh
NAME ?=
FIX ?=
OUT ?= graded
FLAGS ?=
GO ?= go
# No deadline of go test's: every phase of a lab has its own. Labs go on as many at
# a time as there are cores, or as the machine has turns for.
GOTEST = $(GO) test -count=1 -timeout 0
# The packages of the labs themselves, without the programs of their variants.
LABS = $$($(GO) list -e -f '{{if .TestGoFiles}}{{.ImportPath}}{{end}}' ./labs/...)
LINTER = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
ACTIONLINT = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

.DEFAULT_GOAL := help
.PHONY: help setup build lab list test unit prove grade costs lint bench chaos clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Check Go and the Docker engine; install or start the engine where that is possible
	@scripts/setup

build: bin/lab ## Build bin/lab
bin/lab: go.mod go.sum $(shell find docker internal labs -type f ! -path '*/fix/*')
	@scripts/build

lab: setup build ## Run a lab and judge your fix: make lab NAME=mysql/slow-query
	@if [ -z "$(NAME)" ]; then bin/lab list; echo; echo "make lab NAME=<one of these>"; exit 2; fi
	@bin/lab run $(NAME) $(FLAGS)

list: build ## List the labs
	@bin/lab list

test: setup ## Run every test and every lab (your fix where there is one, else that it is broken)
	@$(GOTEST) -p 1 ./docker/... ./internal/...
	@$(GOTEST) -v $(LABS)

unit: ## Run the tests that need no Docker engine
	@$(GO) test -short ./internal/... ./docker/...

prove: setup ## Run every variant of every lab: make prove NAME=mysql/slow-query for one
	@$(GOTEST) -v $(if $(NAME),./labs/$(NAME),$(LABS)) -prove

grade: setup build ## Judge what somebody handed in: make grade FIX=folder, zip or tar (NAME=… for one lab)
	@if [ -z "$(FIX)" ]; then echo "make grade FIX=<a checkout, zip or tar>"; exit 2; fi
	@bin/lab grade $(NAME) --fix '$(FIX)' --out '$(OUT)' $(FLAGS)

costs: setup build ## Record what each lab takes, by which lab grade --shard splits
	@scripts/costs

lint: ## gofmt, go vet for all systems, golangci-lint, actionlint, go mod tidy
	@LINTER=$(LINTER) ACTIONLINT=$(ACTIONLINT) scripts/lint

bench: setup build ## Measure faultlab against the bare servers (half an hour); README=1 puts it into the README
	@$(GO) run ./internal/cmd/bench $(if $(README),-readme README.md) $(FLAGS)

chaos: ## Kill, restart, fill and take away while labs run (half an hour; root on Linux)
	@scripts/chaos $(FLAGS)

clean: build ## Remove snapshots and whatever dead runs left
	@bin/lab clean
