package main

import "github.com/grafana/grafana-foundation-sdk/go/units"

// which are the series of the namespaces and replicas that were chosen; whose those of
// rules, which replicas share.
const (
	which = `job="kinde-authz", namespace=~"$namespace", instance=~"$instance"`
	whose = `job="kinde-authz", namespace=~"$namespace"`
)

// figures stand at the top.
var figures = []figure{
	{
		title: "Alerts", description: "Alerts of kinde-authz that are firing.", unit: units.Short, red: 1,
		expr: `count(ALERTS{alertname=~"KindeAuthz.+", alertstate="firing"}) or vector(0)`,
	},
	{
		title: "Replicas", description: "Replicas that Prometheus reaches.", unit: units.Short, red: 2, below: true,
		expr: `sum(up{` + which + `})`,
	},
	{
		title: "With keys", description: "Replicas that have keys of an issuer, and so serve.", unit: units.Short, red: 2, below: true,
		expr: `sum(max by (namespace, instance) (kinde_authz_jwks_keys{` + which + `}) > bool 0)`,
	},
	{
		title: "Decisions", description: "Decisions in all.", unit: perSecond, red: 1e9,
		expr: `sum(rate(kinde_authz_decisions_total{` + which + `}[$__rate_interval]))`,
	},
	{
		title: "Denied", description: "The share of decisions that deny, without metadata documents.", unit: units.PercentUnit, red: 0.5,
		expr: `sum(rate(kinde_authz_decisions_total{` + which + `, decision="deny", reason!="metadata_document"}[$__rate_interval]))` +
			` / sum(rate(kinde_authz_decisions_total{` + which + `, reason!="metadata_document"}[$__rate_interval]))`,
	},
	{
		title: "Undecided", description: "The share of decisions that are 500 or 503. The objective is 0.1 %.",
		unit: units.PercentUnit, red: 0.001,
		expr: `sum(rate(kinde_authz_decisions_total{` + which + `, reason=~"internal_error|keys_unavailable|overloaded"}[$__rate_interval]))` +
			` / sum(rate(kinde_authz_decisions_total{` + which + `}[$__rate_interval]))`,
	},
	{
		title: "p99", description: "99 % of the decisions take no longer.", unit: units.Seconds, red: 0.01,
		expr: quantile("0.99"),
	},
	{
		title: "Oldest keys", description: "The age of the issuer's keys that were fetched longest ago.", unit: units.Seconds, red: 7200,
		expr: `max(kinde_authz_jwks_age_seconds{` + which + `})`,
	},
}

func quantile(q string) string {
	return `histogram_quantile(` + q + `, sum by (le) (rate(kinde_authz_decision_duration_seconds_bucket{` + which +
		`}[$__rate_interval])))`
}

// rate is the rate of a counter of the chosen replicas, summed by labels.
func rate(counter, by string) string {
	return `sum by (` + by + `) (rate(` + counter + `{` + which + `}[$__rate_interval]))`
}

// rows are the rest, from what users notice to what the process needs.
var rows = []row{
	{"Decisions", []panel{
		{title: "By reason", unit: perSecond, stacked: true, queries: []query{
			{`sum by (reason) (rate(kinde_authz_decisions_total{` + which + `}[$__rate_interval])) > 0`, "{{reason}}"},
		}},
		{
			title: "Share of each denial", description: "Without metadata documents. KindeAuthzDenialsJumped goes by it.",
			unit: units.PercentUnit, queries: []query{
				{`job_reason:kinde_authz_denials:ratio_rate10m{` + whose + `} > 0`, "{{reason}}"},
			},
		},
		{title: "By actor", unit: perSecond, stacked: true, queries: []query{
			{rate("kinde_authz_decisions_total", "actor"), "{{actor}}"},
		}},
		{
			title: "By replica", description: "Envoy spreads requests evenly over a headless Service.", unit: perSecond,
			queries: []query{{rate("kinde_authz_decisions_total", "instance"), "{{instance}}"}},
		},
	}},
	{"Objectives", []panel{
		{
			title: "Undecided: how fast the budget burns", description: "At 1 the budget of a month lasts a month.",
			unit: units.Short, queries: []query{
				{`job:kinde_authz_undecided:ratio_rate1h{` + whose + `} / 0.001`, "1h"},
				{`job:kinde_authz_undecided:ratio_rate6h{` + whose + `} / 0.001`, "6h"},
				{`job:kinde_authz_undecided:ratio_rate3d{` + whose + `} / 0.001`, "3d"},
			},
		},
		{
			title: "Over 10 ms: how fast the budget burns", description: "At 1 the budget of a month lasts a month.",
			unit: units.Short, queries: []query{
				{`job:kinde_authz_slow:ratio_rate1h{` + whose + `} / 0.001`, "1h"},
				{`job:kinde_authz_slow:ratio_rate6h{` + whose + `} / 0.001`, "6h"},
				{`job:kinde_authz_slow:ratio_rate3d{` + whose + `} / 0.001`, "3d"},
			},
		},
		{title: "Duration of a decision", description: "Without the network.", unit: units.Seconds, queries: []query{
			{quantile("0.5"), "p50"}, {quantile("0.9"), "p90"}, {quantile("0.99"), "p99"}, {quantile("0.999"), "p99.9"},
		}},
	}},
	{"Keys and tokens", []panel{
		{
			title: "Age of the keys", description: "Refreshed every 15 minutes, used for 24 hours, unless the settings differ.",
			unit: units.Seconds, queries: []query{
				{`max by (issuer) (kinde_authz_jwks_age_seconds{` + which + `})`, "{{issuer}}"},
			},
		},
		{title: "Fetches of keys", unit: "ops", queries: []query{
			{rate("kinde_authz_jwks_refreshes_total", "issuer, result"), "{{issuer}} {{result}}"},
		}},
		{title: "Keys in use", unit: units.Short, queries: []query{
			{`min by (issuer) (kinde_authz_jwks_keys{` + which + `})`, "{{issuer}}"},
		}},
		{
			title: "Remembered tokens", description: "The share of tokens that were verified before.", unit: units.PercentUnit,
			queries: []query{{
				`sum(rate(kinde_authz_token_cache_hits_total{` + which + `}[$__rate_interval])) / (sum(rate(kinde_authz_token_cache_hits_total{` +
					which + `}[$__rate_interval])) + sum(rate(kinde_authz_token_cache_misses_total{` + which + `}[$__rate_interval])))`, "hits",
			}},
		},
		{title: "Tokens in the cache", unit: units.Short, queries: []query{
			{`kinde_authz_token_cache_entries{` + which + `}`, "{{instance}}"},
		}},
	}},
	{"Settings and log", []panel{
		{
			title: "Settings in use", description: "1: the file as it is. 0: it has an error, and the previous ones are in use.",
			unit: units.Short, queries: []query{
				{`kinde_authz_config_last_reload_successful{` + which + `}`, "{{instance}}"},
			},
		},
		{title: "Reloads", unit: units.Short, queries: []query{
			{`sum by (result) (increase(kinde_authz_config_reloads_total{` + which + `}[$__rate_interval]))`, "settings {{result}}"},
			{`sum by (result) (increase(kinde_authz_tls_reloads_total{` + which + `}[$__rate_interval]))`, "TLS {{result}}"},
		}},
		{title: "Until the certificate expires", description: "Of the gRPC port; empty without TLS.", unit: units.Seconds, queries: []query{
			{`min by (instance) (kinde_authz_tls_certificate_expiry_timestamp_seconds{` + which + `}) - time()`, "{{instance}}"},
		}},
		{title: "Log lines that were dropped", unit: "ops", queries: []query{
			{rate("kinde_authz_log_lines_dropped_total", "instance"), "{{instance}}"},
		}},
	}},
	{"Connections and traces", []panel{
		{title: "Connections of Envoys", description: "To the gRPC port, each replica.", unit: units.Short, queries: []query{
			{`kinde_authz_connections{` + which + `}`, "{{instance}}"},
		}},
		{
			title: "Refused", description: "Connections above limits.connections, and clients by the names in their certificates.",
			unit: "ops", queries: []query{
				{rate("kinde_authz_connections_refused_total", "instance"), "{{instance}} connections"},
				{rate("kinde_authz_tls_clients_refused_total", "instance"), "{{instance}} clients"},
			},
		},
		{title: "Spans", description: "With tracing alone. What the collector does not take waits, or is lost.", unit: "ops", queries: []query{
			{rate("kinde_authz_trace_spans_total", "job"), "to be sent"},
			{rate("kinde_authz_trace_spans_exported_total", "job"), "taken"},
		}},
	}},
	{"Process", []panel{
		{title: "CPU", description: "Cores in use.", unit: units.Short, queries: []query{
			{rate("process_cpu_seconds_total", "instance"), "{{instance}}"},
		}},
		{title: "Memory", unit: units.BytesIEC, queries: []query{
			{`process_resident_memory_bytes{` + which + `}`, "{{instance}}"},
		}},
		{title: "Goroutines", unit: units.Short, queries: []query{{`go_goroutines{` + which + `}`, "{{instance}}"}}},
		{title: "Open files", unit: units.Short, queries: []query{{`process_open_fds{` + which + `}`, "{{instance}}"}}},
		{title: "Uptime", unit: units.Seconds, queries: []query{
			{`time() - process_start_time_seconds{` + which + `}`, "{{instance}}"},
		}},
		{title: "Versions", unit: units.Short, stacked: true, queries: []query{
			{`count by (version) (kinde_authz_build_info{` + which + `})`, "{{version}}"},
		}},
	}},
}
