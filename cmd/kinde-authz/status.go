package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"runtime"
	"slices"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

var (
	//go:embed page/status.html
	statusHTML string
	//go:embed page/status.css
	statusCSS string

	statusPage = template.Must(template.New("status").Parse(statusHTML))

	// statusHeaders let the page load nothing and run nothing. Its style is known by
	// its hash.
	statusHeaders = map[string]string{
		"Content-Type":                 "text/html; charset=utf-8",
		"Content-Security-Policy":      contentPolicy(statusCSS),
		"Cache-Control":                "no-store",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
)

func contentPolicy(style string) string {
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; img-src data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// overview is what the page says.
type overview struct {
	Style                             template.CSS
	State, Class, Why                 string
	Version, Uptime, Now, Pprof       string
	Issuers                           []issuerStatus
	Policies, Routes                  int
	Unmatched, Warnings, Digest       string
	Reload, TLSReload                 eventStatus
	Decisions                         []decisionStatus
	Cache, Connections, InFlight, TLS string
	Dropped                           uint64
}

type issuerStatus struct {
	Issuer  string
	Keys    int
	Usable  bool
	Fetched string
	Error   *eventStatus
}

// eventStatus is an event as the page tells it.
type eventStatus struct {
	Happened  bool
	Text, Ago string
	Over      bool // it went well since
}

// decisionStatus is how often there was a reason.
type decisionStatus struct {
	Reason                authz.Reason
	Effect, Meaning, Hint string
	Allowed               bool
	Count                 uint64
}

// serveStatus answers with the page for people.
func (s *service) serveStatus(w http.ResponseWriter, _ *http.Request) {
	var page bytes.Buffer // who reads slowly reads from this
	if err := statusPage.Execute(&page, s.status(time.Now())); err != nil {
		http.Error(w, "the page cannot be made: "+oneLine(err.Error()), http.StatusInternalServerError)
		return
	}
	for name, value := range statusHeaders {
		w.Header().Set(name, value)
	}
	_, _ = page.WriteTo(w)
}

func (s *service) status(now time.Time) *overview {
	loaded := s.settings.Load()
	reload, tlsReload := s.events.reloads()
	page := &overview{
		Style:   template.CSS(statusCSS), //nolint:gosec // it is ours
		Version: version + " " + runtime.Version(), Uptime: span(now.Sub(s.events.start)),
		Now:     now.UTC().Format("2006-01-02 15:04:05 UTC"),
		Issuers: s.issuerStatus(now), Decisions: s.metrics.reasons(),
		Policies: len(loaded.Authorizer.Policies), Routes: len(loaded.Authorizer.Routes), Unmatched: loaded.Unmatched(),
		Warnings: "none", Digest: loaded.Digest(),
		Reload: reload.status(now), TLSReload: tlsReload.status(now),
		Cache: s.cacheStatus(loaded), Connections: s.connections.String(),
		InFlight: fmt.Sprintf("%d of %d MiB", s.server.InFlight()>>20, loaded.Limits.InFlightBytes>>20),
		Dropped:  s.dropped(), TLS: s.tlsStatus(loaded),
	}
	if n := len(loaded.Warnings()) + len(risks(loaded)); n > 0 {
		page.Warnings = fmt.Sprintf("%d: the log tells them at the start and when settings are read again", n)
	}
	if loaded.Pprof {
		page.Pprof = "served at /debug/pprof/"
	}
	page.State, page.Class, page.Why = s.state()
	return page
}

// state says whether Envoy should ask here, and why.
func (s *service) state() (word, class, why string) {
	usable, all := 0, s.verifier.Load().Status()
	for _, issuer := range all {
		if issuer.Usable {
			usable++
		}
	}
	const without = "requests with a token of the others get 503 keys_unavailable"
	switch {
	case s.readiness.draining.Load():
		return "Draining", "wait", "It was told to stop, and answers until Envoy has turned away."
	case usable == 0:
		return "Not serving", "bad", "No issuer has usable keys: requests with a token get 503 keys_unavailable."
	case usable < len(all):
		return "Serving", "wait", fmt.Sprintf("%d of %d issuers have usable keys: %s.", usable, len(all), without)
	default:
		return "Serving", "good", "All issuers have usable keys."
	}
}

func (s *service) issuerStatus(now time.Time) (all []issuerStatus) {
	for _, keys := range s.verifier.Load().Status() {
		one := issuerStatus{Issuer: keys.Issuer, Keys: keys.Keys, Usable: keys.Usable}
		if keys.Keys > 0 {
			one.Fetched = span(keys.Age)
		}
		if last := s.events.fetchError(keys.Issuer); !last.at.IsZero() {
			told := last.status(now)
			told.Over = keys.Keys > 0 && now.Add(-keys.Age).After(last.at)
			one.Error = &told
		}
		all = append(all, one)
	}
	return all
}

func (s *service) cacheStatus(loaded *settings.Settings) string {
	if loaded.Authorizer.CachedTokens == 0 {
		return "off"
	}
	hits, misses := s.metrics.cache.Hits.Load(), s.metrics.cache.Misses.Load()
	return fmt.Sprintf("%d of %d tokens; %d hits, %d misses since the start",
		s.server.Authorizer().CachedTokens(), loaded.Authorizer.CachedTokens, hits, misses)
}

func (s *service) tlsStatus(loaded *settings.Settings) string {
	if s.certificates == nil {
		return "off"
	}
	text := "certificate valid until " + s.certificates.leaf().NotAfter.UTC().Format("2006-01-02 15:04 UTC")
	if s.certificates.files.ClientCA == "" {
		return text + "; clients need none"
	}
	text += "; clients need one"
	if loaded.ClientNames != nil {
		text += " with one of " + settings.Counted(len(loaded.ClientNames), "name", "names")
	}
	return fmt.Sprintf("%s; %d refused by name", text, s.clients.refused.Load())
}

func (e event) status(now time.Time) eventStatus {
	if e.at.IsZero() {
		return eventStatus{}
	}
	return eventStatus{Happened: true, Text: e.text, Ago: span(now.Sub(e.at))}
}

// span is a duration as people say it.
func span(d time.Duration) string {
	day := 24 * time.Hour
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < day:
		return fmt.Sprintf("%d h %d min", d/time.Hour, d%time.Hour/time.Minute)
	default:
		return settings.Counted(int(d/day), "day", "days") + fmt.Sprintf(" %d h", d%day/time.Hour)
	}
}

// reasons are those that there were, the most frequent first.
func (m *metrics) reasons() (all []decisionStatus) {
	counts := make(map[authz.Reason]*decisionStatus)
	for labels, counter := range m.counters {
		n := valueOf(counter)
		if n == 0 {
			continue
		}
		if counts[labels.reason] == nil {
			denial := authz.Denial(labels.reason, "")
			counts[labels.reason] = &decisionStatus{
				Reason: labels.reason, Effect: labels.effect, Allowed: labels.effect == "allow",
				Meaning: authz.Meaning(labels.reason), Hint: denial.Hint(),
			}
		}
		counts[labels.reason].Count += n
	}
	for _, one := range counts {
		if one.Allowed {
			one.Hint = ""
		}
		all = append(all, *one)
	}
	slices.SortFunc(all, func(a, b decisionStatus) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return all
}
