#!/usr/bin/env bash
# Builds the image for each platform, compares it with the Dockerfile, and runs its program.
set -euo pipefail
cd "$(dirname "$0")/../images"
command -v qemu-aarch64-static >/dev/null ||
  { echo "qemu-aarch64-static is missing, which runs the program for arm64: apt-get install qemu-user-static" >&2; exit 1; }
go vet ./...
go test -count=1 -timeout 15m -v ./...
