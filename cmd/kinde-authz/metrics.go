package main

import (
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

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

	tlsReloads     *prometheus.CounterVec
	signingReloads *prometheus.CounterVec
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
	m.registry.MustRegister(m.cacheCounters()...)
	m.registry.MustRegister(m.decisions, m.duration, m.refreshes, m.reloads, m.tlsReloads, m.signingReloads, build,
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

// cacheCounters tell what became of looking for tokens among those remembered.
func (m *metrics) cacheCounters() []prometheus.Collector {
	return []prometheus.Collector{
		counter("kinde_authz_token_cache_hits_total", "Tokens that were remembered.", &m.cache.Hits),
		counter("kinde_authz_token_cache_misses_total", "Tokens that had to be verified, while tokens are remembered.", &m.cache.Misses),
	}
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
		out <- prometheus.MustNewConstMetric(keysUsable, prometheus.GaugeValue, float64(status.Keys), status.Issuer)
		if status.Keys > 0 {
			out <- prometheus.MustNewConstMetric(keysAge, prometheus.GaugeValue, status.Age.Seconds(), status.Issuer)
		}
	}
}
