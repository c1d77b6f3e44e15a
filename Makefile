GOLANGCI_VERSION := 2.15.0
GOLANGCI := .tools/golangci-lint-$(GOLANGCI_VERSION)
GORELEASER_VERSION := 2.15.0
GORELEASER := .tools/goreleaser-$(GORELEASER_VERSION)
ACTIONLINT_VERSION := 1.7.12
ACTIONLINT := .tools/actionlint-$(ACTIONLINT_VERSION)
CYCLONEDX_VERSION := 1.10.0
CYCLONEDX := .tools/cyclonedx-$(CYCLONEDX_VERSION)/cyclonedx-gomod
VERSION ?= dev
FUZZTIME ?= 30s
ENVOYS ?= 1.36.4 1.37.0 1.38.3 1.39.3 1.40.0
DURATION ?= 30m
BENCHFLAGS ?= -window 2s -warm-up 1s

export CGO_ENABLED ?= 1
SHELL := bash
.SHELLFLAGS := -o pipefail -c

.PHONY: help build up up-once test test-browser test-envoys test-deploy test-faults soak images snapshot release api lint bench bench-go bench-check fuzz clean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Ports of make up: PORT ENVOY_ADMIN_PORT ISSUER_PORT AGENT_PORT AUTHZ_PORT AUTHZ_ADMIN_PORT"
	@echo "PLAYGROUND_PORT, each one alone; PORT_BASE=18080 moves all, to 18080 and those after it."
	@echo "Your own in make up: UPSTREAM=127.0.0.1:3000, a service that runs; CONFIG=FILE, settings of kinde-authz."

build: ## Build bin/kinde-authz and bin/kinde-dev
	@[ -e bin/kinde-authz ] || echo "building bin/kinde-authz and bin/kinde-dev (the first time takes some minutes) ..." >&2
	@mkdir -p bin
	@CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/ ./cmd/...

# The flags of kinde-dev up that the variables of ports stand for.
up-ports = $(foreach port,PORT_BASE PORT ENVOY_ADMIN_PORT ISSUER_PORT AGENT_PORT AUTHZ_PORT AUTHZ_ADMIN_PORT PLAYGROUND_PORT,\
	$(if $($(port)),--$(shell echo $(port) | tr A-Z_ a-z-)=$($(port))))

# The flags that put one's own in the place of the samples.
up-own = $(if $(UPSTREAM),--upstream='$(UPSTREAM)') $(if $(CONFIG),--settings='$(CONFIG)')

up: build ## Run the whole local stack with a real Envoy on http://localhost:8080 (PORT=8081 moves it)
	@envoy=$$(scripts/envoy) && ENVOY="$$envoy" exec bin/kinde-dev up $(strip $(up-ports) $(up-own))

up-once: build ## Play every scene of the README through a real Envoy, and stop
	@envoy=$$(scripts/envoy) && ENVOY="$$envoy" exec bin/kinde-dev up --once

test: build ## Prove that it works: unit tests with the race detector, fuzzing, then end to end
	go vet ./...
	go vet -tags deploy,soak ./...
	@rm -rf .tools/report && mkdir -p .tools/report && go build -o .tools/report/ ./scripts/report
	go test -json -race -timeout 10m ./kinde/... ./internal/... ./authz/... ./cmd/... ./scripts/... | .tools/report/report .tools/report/with-the-race-detector.json
	$(MAKE) --no-print-directory fuzz FUZZTIME=10s
	envoy=$$(scripts/envoy) && ENVOY="$$envoy" go test -json -count=1 -timeout 10m ./e2e | .tools/report/report .tools/report/with-the-built-programs-and-a-real-Envoy.json
	envoy=$$(scripts/envoy) && ENVOY="$$envoy" go test -json -count=1 -timeout 10m ./e2e/faults | .tools/report/report .tools/report/with-faults-under-load.json
	cd e2e/bench && go vet ./... && go test -json -timeout 5m ./... | ../../.tools/report/report ../../.tools/report/of-the-benchmark-harness.json
	cd deploy/test && go vet ./... && go test -json -count=1 -timeout 5m ./... | ../../.tools/report/report ../../.tools/report/of-the-manifests-and-the-chart.json
	cd deploy/observability && go vet ./... && go test -json -count=1 ./... | ../../.tools/report/report ../../.tools/report/of-dashboard-and-alerts.json
	cd e2e/bench && go run . -quick -only grpc -out $(CURDIR)/.tools/bench-quick
	@echo; echo "$$(grep -rhE '^func Fuzz' --include=*_test.go kinde internal authz cmd | wc -l) fuzz targets ran for 10s each and found nothing."
	@.tools/report/report -sum .tools/report/*.json

test-browser: ## Look at the status page and the playground, and ask an MCP server, with a real Chromium (FLAGS=-update writes their pictures)
	@chromium=$$(scripts/chromium) && envoy=$$(scripts/envoy) && axe=$$(scripts/node-modules axe) && \
	  cd e2e/browser && go vet ./... && \
	  CHROMIUM="$$chromium" ENVOY="$$envoy" AXE="$$axe/axe-core/axe.min.js" go test -count=1 -timeout 10m ./... $(FLAGS)

test-envoys: build ## Run the end-to-end tests with each release of Envoy in ENVOYS (7 minutes)
	@set -e; for version in $(ENVOYS); do \
	  envoy=$$(ENVOY_VERSION=$$version scripts/envoy); \
	  echo "Envoy $$version"; \
	  ENVOY="$$envoy" go test -count=1 -timeout 10m ./e2e; \
	done

test-deploy: ## Run it as it is deployed (10 minutes; PART=istio, gateway, observability, ratelimit, systemd, compose, images, api or cluster)
	scripts/test-deploy $(PART)

images: ## Build the image for amd64 and arm64 with its SBOM under .tools/images, without Docker
	cd deploy/images && go run . -version $(VERSION)

snapshot: $(GORELEASER) $(CYCLONEDX) ## Build what a release is made of under .tools/dist
	PATH="$(CURDIR)/$(dir $(CYCLONEDX)):$$PATH" $(GORELEASER) release --snapshot --clean --skip=publish

release: $(GORELEASER) $(CYCLONEDX) ## Make a draft of a release of the tag that is checked out, on GitHub
	PATH="$(CURDIR)/$(dir $(CYCLONEDX)):$$PATH" $(GORELEASER) release --clean

$(GORELEASER):
	@mkdir -p .tools
	CGO_ENABLED=0 GOBIN=$(CURDIR)/.tools/build go install github.com/goreleaser/goreleaser/v2@v$(GORELEASER_VERSION)
	@mv .tools/build/goreleaser $@

$(CYCLONEDX):
	CGO_ENABLED=0 GOBIN=$(CURDIR)/$(@D) go install github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v$(CYCLONEDX_VERSION)

api: ## Compare the Go packages with those of the last tag (BASE=v0.1.0 is another)
	@scripts/api

test-faults: ## Break one thing after the other under load, strictly, and write docs/faults.md (7 minutes, nothing beside it)
	envoy=$$(scripts/envoy) && ENVOY="$$envoy" go test -v -count=1 -timeout 30m ./e2e/faults -long -page $(CURDIR)/docs/faults.md

soak: ## Run under load and faults for DURATION, and fail when anything grows: report in .tools/soak
	envoy=$$(scripts/envoy) && ENVOY="$$envoy" go test -tags soak -v -count=1 -timeout 0 -run '^TestSoak$$' ./e2e/faults \
	  -duration $(DURATION) -out $(CURDIR)/.tools/soak

lint: $(GOLANGCI) $(ACTIONLINT) ## Check style, formatting, go.mod, workflows and what the Go packages promise
	$(GOLANGCI) run ./...
	go mod tidy -diff
	scripts/api
	$(ACTIONLINT)
	for module in e2e/bench e2e/browser deploy/test deploy/images deploy/observability; do \
	  (cd $$module && $(CURDIR)/$(GOLANGCI) run --config $(CURDIR)/.golangci.yml ./... && go mod tidy -diff) || exit 1; \
	done

$(ACTIONLINT):
	@mkdir -p .tools
	CGO_ENABLED=0 GOBIN=$(CURDIR)/.tools/build go install github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT_VERSION)
	@mv .tools/build/actionlint $@

$(GOLANGCI):
	@mkdir -p .tools
	CGO_ENABLED=0 GOBIN=$(CURDIR)/.tools/build go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION)
	@mv .tools/build/golangci-lint $@

bench: build bench-go ## Measure against others in one run, and write docs/benchmarks.md (10 minutes)
	envoy=$$(scripts/envoy) && cd e2e/bench && go run . -envoy "$$envoy" -out $(CURDIR)/docs $(BENCHFLAGS)

bench-go: ## Run the benchmarks of parts, in process
	@mkdir -p .tools
	go test -run '^$$' -bench . -benchmem ./kinde/... ./authz/... ./cmd/kinde-authz | tee .tools/bench-go.txt
	@grep -E '^(goos|goarch|pkg|cpu|Benchmark)' .tools/bench-go.txt > docs/bench/go.txt

bench-check: ## Fail when a ratio is over 15 % worse than in the results that are committed
	@mkdir -p .tools
	git show HEAD:docs/bench/results.json > .tools/committed.json
	cd e2e/bench && go run . check $(CURDIR)/.tools/committed.json $(CURDIR)/docs/bench/results.json

fuzz: ## Run each fuzz target for FUZZTIME
	@mkdir -p .tools; set -e; for package in ./kinde ./authz ./authz/extauthz ./cmd/kinde-authz/settings; do \
	  for target in $$(go test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	    echo "$$package $$target"; \
	    run="go test -run ^$$ -fuzz ^$$target$$ -fuzztime $(FUZZTIME) $$package"; \
	    $$run > .tools/fuzz.log 2>&1 || { \
	      cat .tools/fuzz.log; \
	      grep -q '^ *context deadline exceeded$$' .tools/fuzz.log && ! grep -q 'Failing input' .tools/fuzz.log || exit 1; \
	      echo "the time was over in the midst of an input, which go test takes for a failure: once more"; \
	      $$run; \
	    }; \
	    tail -n 2 .tools/fuzz.log; \
	  done; \
	done

clean: ## Remove what was built and fetched
	rm -rf bin .tools
