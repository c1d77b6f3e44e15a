#!/usr/bin/env bash
# Proves the global rate limit of deploy/envoy/envoy.yaml with the real service and a
# real Redis: the third request of an organization gets 429, another organization
# passes. The service is built, and Debian's Redis unpacked where there is none on PATH,
# under .tools/; nothing is installed in the system. About four minutes the first time.
set -euo pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=deploy/versions
source deploy/versions

service=$PWD/.tools/ratelimit-$RATELIMIT/service_cmd
if [ ! -x "$service" ]; then
  CGO_ENABLED=0 GOBIN=$(dirname "$service") \
    go install -trimpath "github.com/envoyproxy/ratelimit/src/service_cmd@$RATELIMIT"
fi

redis=$(command -v redis-server || true)
if [ -z "$redis" ]; then
  redis=$PWD/.tools/redis/redis-server
  if [ ! -x "$redis" ]; then
    rm -rf .tools/redis && mkdir -p .tools/redis/packages
    (cd .tools/redis/packages && apt-get download -qq redis-server redis-tools libjemalloc2 liblzf1 liblua5.1-0 \
      lua-bitop lua-cjson)
    for package in .tools/redis/packages/*.deb; do dpkg -x "$package" .tools/redis; done
    printf '#!/bin/sh\nexport LD_LIBRARY_PATH=%s\nexec %s "$@"\n' \
      "$(dirname "$(find "$PWD/.tools/redis" -name 'libjemalloc.so.2')")" \
      "$(find "$PWD/.tools/redis" -path '*bin/redis-server')" > "$redis"
    chmod +x "$redis"
  fi
fi

ENVOY=$(scripts/envoy) RATELIMIT=$service REDIS=$redis \
  go test -count=1 -tags deploy -run '^TestGlobalRateLimit$' ./e2e
"$redis" --version
echo "The global rate limit works: the third request of an organization got 429, others passed."
