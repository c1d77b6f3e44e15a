module github.com/kinde-authz/kinde-authz/deploy/observability

go 1.26.0

require (
	github.com/grafana/grafana-foundation-sdk/go v0.0.22
	go.yaml.in/yaml/v4 v4.0.0
)
