package main

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/tracing"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// scrapes bounds the answers to /metrics that are made at a time: they cost
// processor time that checks need. Others get 503 at once.
const scrapes = 2

// metrics are what the operator's monitoring reads. No label ever holds what a
// client sent: reasons and actors are closed sets, issuers are configured.
type metrics struct {
	registry  *prometheus.Registry
	decisions *prometheus.CounterVec
	counters  map[series]prometheus.Counter // of decisions
	cache     authz.CacheCounters
	duration  prometheus.Histogram
	refreshes *prometheus.CounterVec
	reloads   *prometheus.CounterVec
	shadow    map[authz.Reason]prometheus.Counter // what policies in shadow would have denied

	tlsReloads     *prometheus.CounterVec
	signingReloads *prometheus.CounterVec
	reloadOK       prometheus.Gauge
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kinde_authz_decisions_total", Help: "Decisions, by outcome, reason and actor.",
		}, []string{"decision", "reason", "actor"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "kinde_authz_decision_duration_seconds", Help: "How long a decision took, without the network.",
			Buckets: []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 1e-2, 0.1, 0.5},
			// A Prometheus that scrapes native histograms gets finer buckets too.
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
			NativeHistogramMaxExemplars: -1, // those of the classic buckets take no lock
		}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "kinde_authz_jwks_refreshes_total", Help: "Attempts to fetch an issuer's keys, by result.",
		}, []string{"issuer", "result"}),
	}
	m.reloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kinde_authz_config_reloads_total", Help: "Times the settings file was read again, by result.",
	}, []string{"result"})
	m.tlsReloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kinde_authz_tls_reloads_total", Help: "Times changed TLS files were read, by result.",
	}, []string{"result"})
	m.reloadOK = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kinde_authz_config_last_reload_successful",
		Help: "1 while the settings file is in use as it was last read, 0 while it has an error and older settings are.",
	})
	m.reloadOK.Set(1)
	m.signingReloads = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kinde_authz_assertion_key_reloads_total", Help: "Times a changed file of assertion keys was read, by result.",
	}, []string{"result"})
	for _, result := range []string{"ok", "error"} {
		m.signingReloads.WithLabelValues(result)
		m.reloads.WithLabelValues(result)
		m.tlsReloads.WithLabelValues(result)
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "kinde_authz_build_info", Help: "1; the labels tell what is running.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	})
	build.Set(1)
	m.counters = countersOf(m.decisions)
	m.countShadow()
	m.registry.MustRegister(m.cacheCounters()...)
	m.registry.MustRegister(m.decisions, m.duration, m.refreshes, m.reloads, m.tlsReloads, m.signingReloads, m.reloadOK, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// series is a combination of the labels of a decision.
type series struct {
	effect string
	reason authz.Reason
	actor  string
}

// countersOf returns a counter for each combination that there can be. They are all
// there from the start: a decision then takes no lock, and a rate over a reason that
// occurs for the first time is right.
func countersOf(decisions *prometheus.CounterVec) map[series]prometheus.Counter {
	all := make(map[series]prometheus.Counter)
	for _, reason := range authz.Reasons() {
		effect := "deny"
		if reason == authz.Allowed || reason == authz.Public {
			effect = "allow"
		}
		for _, actor := range []string{"none", string(kinde.User), string(kinde.System)} {
			all[series{effect, reason, actor}] = decisions.WithLabelValues(effect, string(reason), actor)
		}
	}
	return all
}

// decided counts a decision, which belongs to that trace, if any.
func (m *metrics) decided(o *extauthz.Observation, traceID string) {
	d := o.Decision
	if traceID == "" {
		m.duration.Observe(o.Took.Seconds())
	} else {
		m.duration.(prometheus.ExemplarObserver).ObserveWithExemplar(o.Took.Seconds(), prometheus.Labels{"trace_id": traceID})
	}
	counter := m.counters[series{d.Effect(), d.Reason, d.Actor()}]
	if counter == nil { // a fault of ours, which must be seen too
		counter = m.decisions.WithLabelValues(d.Effect(), string(d.Reason), d.Actor())
	}
	counter.Inc()
	if shadow := m.shadow[d.ShadowReason()]; shadow != nil {
		shadow.Inc()
	}
}

// countShadow makes a counter for each reason that a policy in shadow can have.
func (m *metrics) countShadow() {
	denials := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "kinde_authz_shadow_denials_total", Help: "Decisions that a policy in shadow would have denied, by the reason of the first.",
	}, []string{"reason"})
	m.registry.MustRegister(denials)
	m.shadow = make(map[authz.Reason]prometheus.Counter)
	for _, reason := range authz.ShadowReasons() {
		m.shadow[reason] = denials.WithLabelValues(string(reason))
	}
}

// valueOf is what has been counted.
func valueOf(counter prometheus.Counter) uint64 {
	var written dto.Metric
	if err := counter.Write(&written); err != nil {
		return 0 // a counter always can
	}
	return uint64(written.GetCounter().GetValue())
}

// cachedTokens tells how many tokens the server remembers when it is asked.
func (m *metrics) cachedTokens(server *extauthz.Server) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kinde_authz_token_cache_entries", Help: "How many verified tokens are remembered.",
	}, func() float64 { return float64(server.Authorizer().CachedTokens()) })
}

// counter tells a number that is counted elsewhere.
func counter(name, help string, n *atomic.Uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, func() float64 { return float64(n.Load()) })
}

// droppedLines tells how many lines the log has lost.
func droppedLines(l *logs) prometheus.Collector {
	return counter("kinde_authz_log_lines_dropped_total", "Log lines that could not be written, or did not fit while writing hung.", &l.dropped)
}

// spans tell how many spans there were and what became of them.
func spans(t *tracing.Tracing) []prometheus.Collector {
	if t == nil {
		return nil
	}
	return []prometheus.Collector{
		counter("kinde_authz_trace_spans_total", "Spans that were to be sent; there are none without tracing.", &t.Recorded),
		counter("kinde_authz_trace_spans_exported_total", "Spans that the collector took. The others wait, or are lost.", &t.Exported),
	}
}

// refusedClients tells how many clients had a certificate without the right name.
func refusedClients(c *clients) prometheus.Collector {
	return counter("kinde_authz_tls_clients_refused_total",
		"Handshakes with a client whose certificate has none of the names in tls.client_names.", &c.refused)
}

// connectionMetrics tell of the connections to the gRPC port.
type connectionMetrics struct{ *connections }

var (
	connectionsOpen    = prometheus.NewDesc("kinde_authz_connections", "Connections to the gRPC port that are open.", nil, nil)
	connectionsRefused = prometheus.NewDesc("kinde_authz_connections_refused_total",
		"Connections to the gRPC port that were closed at once, because limits.connections were open, or half of that from one address.",
		nil, nil)
)

// Describe implements [prometheus.Collector].
func (connectionMetrics) Describe(out chan<- *prometheus.Desc) {
	out <- connectionsOpen
	out <- connectionsRefused
}

// Collect implements [prometheus.Collector].
func (m connectionMetrics) Collect(out chan<- prometheus.Metric) {
	open, refused := m.counts()
	out <- prometheus.MustNewConstMetric(connectionsOpen, prometheus.GaugeValue, float64(open))
	out <- prometheus.MustNewConstMetric(connectionsRefused, prometheus.CounterValue, float64(refused))
}

// cacheCounters tell what became of looking for tokens among those remembered.
func (m *metrics) cacheCounters() []prometheus.Collector {
	return []prometheus.Collector{
		counter("kinde_authz_token_cache_hits_total", "Tokens that were remembered.", &m.cache.Hits),
		counter("kinde_authz_token_cache_misses_total", "Tokens that had to be verified, while tokens are remembered.", &m.cache.Misses),
	}
}

// certificateExpiry tells when the certificate that is in use expires.
func certificateExpiry(c *certificates) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "kinde_authz_tls_certificate_expiry_timestamp_seconds",
		Help: "When the certificate of the gRPC port expires, in Unix seconds; absent without TLS.",
	}, func() float64 { return float64(c.leaf().NotAfter.Unix()) })
}

// refreshed counts an attempt to fetch keys.
func (m *metrics) refreshed(r kinde.Refresh) {
	m.refreshes.WithLabelValues(r.Issuer, string(r.Result)).Inc()
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapes,
		EnableOpenMetrics:   true, // with exemplars
	})
}

// keyMetrics tells the state of each issuer's keys when it is asked.
type keyMetrics struct{ verifier func() *kinde.Verifier }

var (
	keysAge = prometheus.NewDesc("kinde_authz_jwks_age_seconds",
		"How long ago an issuer's keys were fetched; absent before the first time.", []string{"issuer"}, nil)
	keysUsable = prometheus.NewDesc("kinde_authz_jwks_keys", "How many keys of an issuer can be used.", []string{"issuer"}, nil)
)

// Describe implements [prometheus.Collector].
func (keyMetrics) Describe(out chan<- *prometheus.Desc) { out <- keysAge; out <- keysUsable }

// Collect implements [prometheus.Collector].
func (k keyMetrics) Collect(out chan<- prometheus.Metric) {
	for _, status := range k.verifier().Status() {
		usable := 0
		if status.Usable { // those older than max_stale are not
			usable = status.Keys
		}
		out <- prometheus.MustNewConstMetric(keysUsable, prometheus.GaugeValue, float64(usable), status.Issuer)
		if status.Keys > 0 {
			out <- prometheus.MustNewConstMetric(keysAge, prometheus.GaugeValue, status.Age.Seconds(), status.Issuer)
		}
	}
}
