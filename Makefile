.DEFAULT_GOAL := help
.PHONY: help quickstart test lint model fuzz histories pace soak chaos topology bench bench-jobs bench-client build

help: ## show this help
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

quickstart: ## start Temporal, a simulated cluster and a worker, and run a command
	go -C quickstart run .

test: ## run every check and test of both modules
	./test.sh

lint: .bin/golangci-lint ## run the linters only
	.bin/golangci-lint run ./...
	cd quickstart && ../.bin/golangci-lint run ./...

.bin/golangci-lint:
	./test.sh

model: ## check the model of submits and stops with spin, verbosely
	go test ./docs/model -count 1 -v

fuzz: ## look for answers and pipeline files that cannot be borne, a minute for each decoder
	go test ./ehpc -run - -fuzz FuzzAnswers -fuzztime 60s -fuzzminimizetime 10x
	go test ./ehpc -run - -fuzz FuzzErrors -fuzztime 60s -fuzzminimizetime 10x
	go test ./pipeline -run - -fuzz FuzzRead -fuzztime 60s -fuzzminimizetime 10x
	go test ./pipeline -run - -fuzz FuzzExpression -fuzztime 60s -fuzzminimizetime 10x
	go test ./pipeline -run - -fuzz FuzzRunText -fuzztime 60s -fuzzminimizetime 10x

bench: ## compare ways of waiting, peers in the same run
	go -C quickstart run ./bench

bench-jobs: ## compare one look at all jobs of a cluster with one look for each
	go -C quickstart run ./bench/jobs

bench-client: ## compare the client's cost of a call with the vendor's generated client
	@echo "the vendor's generated client, v1.62.687:"
	@go -C conformance test -run - -bench BenchmarkCall -count 5 . | grep ^Benchmark
	@echo "package ehpc:"
	@go test ./ehpc -run - -bench BenchmarkCall -count 5 | grep ^Benchmark

pace: ## draw how late an end is noticed against what it costs, into docs/
	go -C quickstart run ./bench/pace

soak: ## run the long forms of the end-to-end tests, half an hour
	go -C quickstart test ./e2e -soak -parallel 8 -timeout 60m -v

chaos: ## let everything go wrong at the same time, until 200 runs have ended
	go -C quickstart test ./e2e -run TestNothingRunsTwiceOrIsLostInChaos -soak -timeout 60m -count 1 -v

topology: ## end every part of the compose file's topology, in five rounds of 50 runs
	go -C quickstart test ./e2e -run TestRunsSurviveTheEndOfEveryPartOfTheTopology -soak -timeout 60m -count 1 -v

histories: ## record the golden histories that are missing, from real runs
	go -C quickstart test ./e2e -run TestGolden -histories "$(CURDIR)/workflows/testdata/histories" -count 1

build: ## build the programs into bin/
	go build -o bin/ ./starter ./worker ./cmd/ehpcsim
