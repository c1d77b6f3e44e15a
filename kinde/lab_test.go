package kinde_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const tenant = "https://t.kinde.com"

// lab is an issuer and a verifier in a bubble of [synctest], where time passes
// only when everybody waits. Requests go to the issuer without a network.
type lab struct {
	*testing.T
	issuer   *kindetest.Issuer
	verifier *kinde.Verifier
	delay    time.Duration // of each request to the issuer

	mu   sync.Mutex
	seen []refreshAt
}

// refreshed is the verifier's observer.
func (l *lab) refreshed(r kinde.Refresh) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, refreshAt{r, time.Now()})
}

// refreshes returns what the observer has seen so far.
func (l *lab) refreshes() []refreshAt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.seen)
}

type refreshAt struct {
	kinde.Refresh
	at time.Time
}

// RoundTrip implements [http.RoundTripper].
func (l *lab) RoundTrip(r *http.Request) (*http.Response, error) {
	if l.delay > 0 { // Go 1.26 with the race detector crashes where timers of a bubble are due at once
		select {
		case <-time.After(l.delay):
		case <-r.Context().Done():
			return nil, r.Context().Err()
		}
	}
	recorder := httptest.NewRecorder()
	l.issuer.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}

// inLab runs a subtest in a bubble. The issuer fails from the start with outage.
func inLab(t *testing.T, name string, outage kindetest.Outage, test func(l *lab)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { experiment(t, outage, test) }) })
}

func experiment(t *testing.T, outage kindetest.Outage, test func(l *lab)) {
	l := &lab{T: t, issuer: kindetest.New(tenant)}
	l.fail(outage)
	var err error
	l.verifier, err = kinde.NewVerifier(kinde.Config{
		Issuers: []kinde.Issuer{{Domain: tenant}}, Transport: l,
		Observer: kinde.Observer{Refreshed: l.refreshed},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); l.verifier.Run(ctx) }()
	synctest.Wait()
	test(l)
	cancel()
	<-ended
}

func (l *lab) fail(outage kindetest.Outage) {
	if err := l.issuer.Fail(outage); err != nil {
		l.Fatal(err)
	}
}

// pass lets time pass.
func (l *lab) pass(d time.Duration) {
	if d > 0 { // as in RoundTrip
		<-time.After(d) // the bubble's time, which takes none
	}
	synctest.Wait()
}

func (l *lab) token() string { return l.issuer.Sign(l.issuer.UserClaims()) }

// wants verifies a token; an empty reason stands for a valid one.
func (l *lab) wants(what, token string, want kinde.Reason) {
	l.Helper()
	_, err := l.verifier.Verify(l.Context(), token)
	if got := reasonOf(err); got != want {
		l.Errorf("%s: got %q, want %q (%v)", what, got, want, err)
	}
}

func (l *lab) passes(token string) bool {
	_, err := l.verifier.Verify(l.Context(), token)
	return err == nil
}

func (l *lab) unknownKey() string {
	token, err := l.issuer.Broken("unknown-key")
	if err != nil {
		l.Fatal(err)
	}
	return token
}

// naming is a token that names a key nobody has; no key signed it.
func (l *lab) naming(id string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode(fmt.Appendf(nil, `{"alg":"RS256","kid":%q}`, id)) + "." +
		encode(fmt.Appendf(nil, `{"iss":%q}`, tenant)) + ".AAAA"
}

// withKeyID is a token, correctly signed, that names a key by this ID.
func (l *lab) withKeyID(id string) string {
	header := l.issuer.Header()
	header["kid"] = id
	return l.issuer.SignAs(header, l.issuer.UserClaims())
}
