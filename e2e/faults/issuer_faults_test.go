package faults

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/kinde-authz/kinde-authz/e2e/e2etest"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	refreshes = "kinde_authz_jwks_refreshes_total"
	failed    = `result="error"`
)

func issuerFaults() []fault {
	return []fault{
		{"issuer: refuses connections", func(t *testing.T, r *rig, p *phase) {
			r.withoutIssuer(t, p, r.issuer.down, func() { r.issuer.up(t) })
		}, bound{}},
		{"issuer: slow", func(t *testing.T, r *rig, p *phase) {
			asked := r.counted(t, refreshes, 2)
			r.issuer.fail(slowly)
			asked()
			p.await(t, judged())
			r.issuer.good()
		}, bound{}},
		{"issuer: flapping", func(t *testing.T, r *rig, p *phase) {
			r.withoutIssuer(t, p, func() { r.issuer.fail(flapping()) }, r.issuer.good)
		}, bound{}},
		{"issuer: answers 500", func(t *testing.T, r *rig, p *phase) {
			r.withoutIssuer(t, p, func() { r.issuer.fail(failing) }, r.issuer.good)
		}, bound{}},
		{"issuer: certificate nobody trusts", func(t *testing.T, r *rig, p *phase) {
			other := e2etest.NewCertificate(t)
			show := func(pair *tls.Certificate) func() { return func() { r.issuer.certificate.Store(pair) } }
			r.withoutIssuer(t, p, show(&other.Pair), show(r.issuer.trusted))
		}, bound{}},
		{"issuer: hangs", outage(kindetest.Hang), bound{}},
		{"issuer: empty set", outage(kindetest.Empty), bound{}},
		{"issuer: endless body", outage(kindetest.Huge), bound{}},
		{"issuer: redirects elsewhere", outage(kindetest.Redirect), bound{}},
		{"issuer: poisoned set", func(t *testing.T, r *rig, p *phase) {
			r.withoutIssuer(t, p, func() { r.issuer.fail(publishing(poisoned(r.issuer.Issuer))) }, r.issuer.good)
		}, bound{}},
		{"rotation with overlap", rotateWithOverlap, bound{}},
		{"rotation without overlap", rotateWithout, bound{anyLost: true, recovered: either(10*refresh, 4*refresh)}},
	}
}

// withoutIssuer has the issuer fail until both replicas have seen it and enough requests
// were judged, and then lets both fetch keys again. Meanwhile a key that nobody knows
// cannot be asked for.
func (r *rig) withoutIssuer(t *testing.T, p *phase, fail, end func()) {
	t.Helper()
	p.tolerate(keysAway)
	series := fmt.Sprintf("%s{issuer=%q,%s}", refreshes, r.issuer.URL, failed)
	seen := r.counted(t, series, 1)
	p.inject()
	fail()
	seen()
	p.await(t, judged())
	end()
	r.recovers(t)
}

// recovers waits for a fetch of both replicas that succeeded.
func (r *rig) recovers(t *testing.T) {
	t.Helper()
	for _, one := range r.replicas {
		good := func() float64 {
			return one.metric(refreshes) - one.metric(fmt.Sprintf("%s{issuer=%q,%s}", refreshes, r.issuer.URL, failed))
		}
		before := good()
		e2etest.Eventually(t, "keys are fetched again", func() bool { return good() > before })
	}
}

// outage is one that the issuer knows itself.
func outage(mode kindetest.Outage) func(*testing.T, *rig, *phase) {
	return func(t *testing.T, r *rig, p *phase) {
		set := func(mode kindetest.Outage) func() {
			return func() {
				if err := r.issuer.Fail(mode); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.withoutIssuer(t, p, set(mode), set(""))
	}
}

// poisoned is a set of keys under the ID of the good one, none of which is fit for
// RS256: a secret, one that is too short, one for encryption, a curve.
func poisoned(i *kindetest.Issuer) string {
	keys := []string{
		`{"kty":"oct","alg":"HS256","k":"c2VjcmV0","kid":"%s"}`,
		`{"kty":"RSA","alg":"RS256","use":"sig","n":"AQAB","e":"AQAB","kid":"%s"}`,
		`{"kty":"RSA","alg":"RSA-OAEP","use":"enc","n":"AQAB","e":"AQAB","kid":"%s"}`,
		`{"kty":"EC","crv":"P-256","x":"AQAB","y":"AQAB","kid":"%s"}`,
	}
	set := fmt.Sprintf(`{"keys":[%s]}`, strings.Join(keys, ","))
	return strings.ReplaceAll(set, "%s", i.KeyID())
}

// keysOf waits until both replicas know so many keys.
func (r *rig) keysOf(t *testing.T, want float64) {
	t.Helper()
	for _, one := range r.replicas {
		e2etest.Eventually(t, fmt.Sprintf("it knows %g keys", want), func() bool {
			return one.metric("kinde_authz_jwks_keys") == want
		})
	}
}

// rotateWithOverlap publishes a key, signs with it once it is known, and withdraws the
// old one after that.
func rotateWithOverlap(t *testing.T, r *rig, p *phase) {
	old := r.issuer.KeyID()
	p.inject()
	r.issuer.Rotate()
	r.keysOf(t, 2)
	r.bad = badProbes(t, r.issuer.Issuer)
	r.probes.Store(r.mint())
	p.await(t, judged())
	p.tolerate(unknownKey)
	r.issuer.Withdraw(old)
	r.keysOf(t, 1)
}

// rotateWithout has a new key at once and the old one no longer. Between that and the
// next fetch its tokens are unknown where another unknown key was just asked for; those
// of the old key pass no longer afterwards.
func rotateWithout(t *testing.T, r *rig, p *phase) {
	p.tolerate(unknownKey)
	old, withdrawn := r.issuer.KeyID(), r.probes.Load().good
	p.inject()
	r.issuer.Rotate()
	r.issuer.Withdraw(old)
	r.bad = badProbes(t, r.issuer.Issuer)
	r.probes.Store(r.mint())
	r.recovers(t)
	r.recovers(t)
	bad := make([]probe, 0, len(withdrawn)+len(r.bad))
	for _, old := range withdrawn {
		bad = append(bad, probe{
			kind: "withdrawn", authorization: old.authorization, status: http.StatusUnauthorized, reason: "unknown_key",
		})
	}
	r.probes.Store(&probes{r.mint().good, append(bad, r.bad...)})
	p.await(t, judged())
}

// unknownKey excuses that of a key which is not known yet, or no longer.
func unknownKey(_ probe, a answer) bool {
	return a.status == http.StatusUnauthorized && a.Reason == "unknown_key"
}
