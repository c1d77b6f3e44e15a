package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// checkIssuers asks every issuer what the service would.
func checkIssuers(ctx context.Context, r *Report, s *settings.Settings) {
	for _, issuer := range s.Verifier.Issuers {
		check := "issuer " + issuer.Domain
		r.judge(issuer.Audience != nil, check, "an audience is configured", Warning,
			"no audience is configured: tokens for any API of this Kinde business pass", "set audience (KINDE_AUDIENCE) to the API's audience in Kinde")
		if issuer.JWKSFile == "" && checkName(ctx, r, check, issuer.Domain) {
			checkDiscovery(ctx, r, check, issuer.Domain, s.Verifier.Leeway)
		}
	}
	checkKeys(r, s)
}

// checkName looks the issuer's host up.
func checkName(ctx context.Context, r *Report, check, domain string) bool {
	address, err := url.Parse(domain)
	if err != nil {
		return false // settings has parsed it
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupHost(ctx, address.Hostname())
	if err != nil {
		r.fail(check, "its name does not resolve: "+err.Error(), "compare the domain with the one in Kinde (Settings > Applications); check DNS and egress of this machine")
		return false
	}
	r.fine(check, "its name resolves to %s", strings.Join(found, ", "))
	return true
}

// checkDiscovery reads the discovery document, over TLS that must hold, and
// compares clocks.
func checkDiscovery(ctx context.Context, r *Report, check, domain string, leeway time.Duration) {
	asked := time.Now()
	header, body, err := fetch(ctx, domain+"/.well-known/openid-configuration")
	if header != nil {
		checkClock(r, check, header, asked, leeway)
	}
	if err != nil {
		r.fail(check, "its discovery document cannot be read: "+err.Error(), "open "+domain+"/.well-known/openid-configuration from this machine; check the domain, TLS, egress and HTTPS_PROXY")
		return
	}
	var document struct{ Issuer string }
	if err := json.Unmarshal(body, &document); err != nil {
		r.fail(check, "its discovery document is not JSON", "the domain is not that of a Kinde business")
		return
	}
	r.judge(strings.TrimRight(document.Issuer, "/") == domain, check, "its discovery document names it", Failed,
		fmt.Sprintf("its discovery document names the issuer %q", document.Issuer), "tokens will say that in iss: configure it as domain")
}

// checkClock compares the clocks of this machine and the issuer, whose Date
// header has whole seconds.
func checkClock(r *Report, check string, header http.Header, asked time.Time, leeway time.Duration) {
	theirs, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		r.warn(check, "it sends no Date to compare clocks with", "compare them by hand")
		return
	}
	skew := max(time.Until(theirs), asked.Add(-time.Second).Sub(theirs), 0).Round(time.Second)
	switch {
	case skew > leeway:
		r.fail(check, fmt.Sprintf("this machine's clock is %s off", skew), "run NTP on this machine: good tokens are refused")
	case skew > leeway/2:
		r.warn(check, fmt.Sprintf("this machine's clock is %s off, of %s that leeway allows", skew, leeway), "run NTP on this machine")
	default:
		r.fine(check, "the clocks agree")
	}
}

// checkKeys fetches the keys as the service does.
func checkKeys(r *Report, s *settings.Settings) {
	config := s.Verifier
	refreshed := probe.Observe(&config)
	verifier, err := kinde.NewVerifier(config)
	if err != nil {
		return // settings has made one
	}
	defer verifier.Start()()
	for _, result := range refreshed.First(len(config.Issuers)) {
		check := "issuer " + result.Issuer
		for _, err := range result.Refused {
			r.warn(check, "a key is not used: "+err.Error(), "the issuer publishes a key that no token should be signed with")
		}
		r.judge(result.Err == nil, check, fmt.Sprintf("usable keys: %d", result.Keys), Failed,
			fmt.Sprintf("its keys cannot be fetched: %v", result.Err), "until this works every request gets 503: check the domain, TLS, egress, or the jwks_file")
	}
}
