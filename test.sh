#!/bin/sh
# Runs every check of the project, all modules: formatting, tidy modules, vet,
# workflowcheck, linters, and all tests, most with the race detector. It needs Go and a
# C compiler (for the race detector); the tools it installs into .bin, once. The check
# of the model needs spin too, and the test of the topology PostgreSQL; without, they are
# skipped, or fail where CI is set.
set -eu
cd "$(dirname "$0")"

GOLANGCI_LINT=v2.15.0
WORKFLOWCHECK=v0.6.0

need() {
	command -v "$1" >/dev/null 2>&1 || { echo "test.sh: $1 is missing: $2" >&2; exit 1; }
}
need go "install Go 1.26.8 or newer from https://go.dev/dl"
"$(go env CC)" --version >/dev/null 2>&1 ||
	{ echo "test.sh: no C compiler ($(go env CC)): the race detector needs one, such as gcc" >&2; exit 1; }

step() { printf '\n==> %s\n' "$*"; }

# tool NAME PACKAGE VERSION installs a tool unless that version is there.
tool() {
	[ -e ".bin/$1@$3" ] && return
	step "install $1 $3"
	GOBIN="$PWD/.bin" CGO_ENABLED=0 GOFLAGS=-mod=mod go install "$2@$3"
	touch ".bin/$1@$3"
}
tool golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint $GOLANGCI_LINT
tool workflowcheck go.temporal.io/sdk/contrib/tools/workflowcheck $WORKFLOWCHECK
bin="$PWD/.bin"

step "workflow code is deterministic"
"$bin/workflowcheck" ./workflows/...

for module in . quickstart conformance; do (
	cd "$module"
	step "module $module: tidy"
	go mod tidy -diff
	step "module $module: vet"
	go vet ./...
	step "module $module: lint"
	"$bin/golangci-lint" run ./...
	step "module $module: test"
	race=-race
	# Its tests share a Temporal server whose SQLite, of pure Go, is too slow under the
	# race detector for hundreds of runs at a time.
	[ "$module" != quickstart ] || race=
	go test $race -parallel 8 -timeout 30m $(go list ./... | grep -v /docs/model)
); done

step "the model of docs/once.md" # alone: it takes all of two cores
command -v spin >/dev/null 2>&1 || echo "spin is missing (Debian's package spin): the model is not checked"
go test ./docs/model

step "all checks passed"
