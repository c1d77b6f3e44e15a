# The service: static, without a shell, not as root. kinde-dev, for the local
# stack, is a target of its own, so that it is never in the service's image.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=dev
ENV CGO_ENABLED=0
RUN go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./cmd/...

# For `docker compose up` and tests: it mints tokens for everyone who asks.
FROM gcr.io/distroless/static-debian12:nonroot AS dev
COPY --from=build /out/kinde-dev /kinde-dev
USER 65532:65532
ENTRYPOINT ["/kinde-dev"]

FROM gcr.io/distroless/static-debian12:nonroot AS kinde-authz
COPY --from=build /out/kinde-authz /kinde-authz
USER 65532:65532
# gRPC for Envoy; HTTP for the operator's probes.
EXPOSE 9191 9192
ENTRYPOINT ["/kinde-authz"]
CMD ["serve"]
