package authz

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/kinde"
)

func newKeyPEM(t testing.TB) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return inPEM(t, private, err)
}

// inPEM is a private key as the file has it, unless it could not be made.
func inPEM(t testing.TB, private any, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func keysOf(t testing.TB, texts ...string) *assertion.Keys {
	t.Helper()
	keys, err := assertion.ParseKeys([]byte(strings.Join(texts, "")))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// sealed is an authorizer with assertions of a minute, whose keys the test changes.
type sealed struct {
	*lab
	*Authorizer
	keys atomic.Pointer[assertion.Keys]
}

func newSealed(t testing.TB, config Config) *sealed {
	t.Helper()
	s := &sealed{lab: newLab(t)}
	s.keys.Store(keysOf(t, newKeyPEM(t)))
	config.Assertion = &Assertion{
		Audience: "https://agents", Issuer: "kinde-authz", Lifetime: time.Minute, Keys: s.keys.Load,
		Now: func() time.Time { return time.Unix(s.now.Load(), 0) },
	}
	s.Authorizer = s.authorizer(t, 100, config)
	return s
}

// ask returns the assertion of an allow, empty where there is none.
func (s *sealed) ask(t testing.TB, path, token string) string {
	t.Helper()
	d := s.Decide(t.Context(), &Request{Method: "GET", Path: path, Authorization: []string{"Bearer " + token}})
	if !d.Allowed() {
		t.Fatalf("%s: %s", d.Reason, d.Detail)
	}
	set, _ := d.Headers()
	return valueOf(set, headerAssertion)
}

type assertedClaims struct {
	IssuedAt int64 `json:"iat"`
	Expires  int64 `json:"exp"`
	assertion.Claims
}

func claimsOf(t testing.TB, text string) (claims assertedClaims) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWS", text)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func keyIDOf(t testing.TB, text string) string {
	t.Helper()
	header, err := base64.RawURLEncoding.DecodeString(text[:strings.IndexByte(text, '.')])
	if err != nil {
		t.Fatal(err)
	}
	var h struct{ Kid string }
	if err := json.Unmarshal(header, &h); err != nil {
		t.Fatal(err)
	}
	return h.Kid
}

func TestAssertionsSayWhoseTheTokenIs(t *testing.T) {
	s := newSealed(t, Config{})
	now := s.now.Load()
	user, machine := s.UserClaims().With("scp", []string{"a", "b c"}), s.MachineClaims()
	for name, row := range map[string]struct {
		token string
		want  assertion.Claims
	}{
		"user": {s.Token(user), assertion.Claims{
			Subject: user["sub"].(string), Actor: "user", ClientID: user["azp"].(string), Scope: "a b%20c",
			Permissions: []string{"agents:run", "agents:read"}, Roles: []string{"admin"}, TokenID: user["jti"].(string),
		}},
		"machine": {s.Token(machine), assertion.Claims{
			Subject: "client:" + machine["azp"].(string), Actor: "system", ClientID: machine["azp"].(string),
			Scope: "jobs:run agents:read", TokenID: machine["jti"].(string),
		}},
	} {
		row.want.Issuer, row.want.Audience, row.want.OrgCode = "kinde-authz", "https://agents", "org_acme"
		got := claimsOf(t, s.ask(t, "/", row.token))
		if diff := cmp.Diff(assertedClaims{now, now + 60, row.want}, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// Attack O12: a public route carries no assertion, whatever token came.
func TestPublicRoutesCarryNoAssertion(t *testing.T) {
	s := newSealed(t, Config{Routes: []Route{{Path: "/public", Public: true}}, Policies: map[string]Policy{"default": {}}})
	token := s.Token(s.UserClaims())
	if s.ask(t, "/else", token) == "" {
		t.Error("no assertion elsewhere")
	}
	if got := s.ask(t, "/public", token); got != "" {
		t.Errorf("got %s", got)
	}
}

// One assertion serves for half of its lifetime, the next for the half after it, and
// none outlives its token.
func TestAssertionsAreSignedOnceInHalfALifetime(t *testing.T) {
	s := newSealed(t, Config{})
	now := s.now.Load()
	token := s.Token(s.UserClaims().With("iat", now).With("exp", now+150))
	for _, step := range []struct{ at, issued, expires int64 }{
		{0, 0, 60}, {29, 0, 60}, {30, 30, 90}, {59, 30, 90}, {60, 60, 120},
		{100, 100, 150}, // the token's end
		{140, 100, 150}, {149, 100, 150},
		{20, 20, 80}, // the clock was set back
	} {
		s.now.Store(now + step.at)
		got := claimsOf(t, s.ask(t, "/", token))
		if got.IssuedAt != now+step.issued || got.Expires != now+step.expires {
			t.Errorf("at %d s: from %d to %d, want %d to %d", step.at, got.IssuedAt-now, got.Expires-now,
				step.issued, step.expires)
		}
	}
	if asked := s.lab.verifier.asked.Load(); asked != 1 {
		t.Errorf("the token was verified %d times", asked)
	}
}

// A new first key signs at once, and so does the next where a key is gone.
func TestAssertionsFollowTheKeys(t *testing.T) {
	s := newSealed(t, Config{})
	first, second := newKeyPEM(t), newKeyPEM(t)
	one, both, two := keysOf(t, first), keysOf(t, second, first), keysOf(t, second)
	token := s.Token(s.UserClaims())
	for _, step := range []struct {
		name string
		keys *assertion.Keys
		want string
	}{
		{"the first key", one, one.SigningID()},
		{"both, the new one first", both, two.SigningID()},
		{"the new one alone", two, two.SigningID()},
		{"back", one, one.SigningID()},
	} {
		s.keys.Store(step.keys)
		before := s.identify(t.Context(), token).asserted.last.Load()
		if before != nil && before.isUsable(step.keys, s.now.Load()*1e6) != step.keys.Publishes(before.keyID) {
			t.Errorf("%s: the assertion before counts wrongly", step.name)
		}
		text := s.ask(t, "/", token)
		if got := keyIDOf(t, text); got != step.want || s.ask(t, "/", token) != text {
			t.Errorf("%s: signed by %s, want %s", step.name, got, step.want)
		}
	}
}

// Attack O13: without a signature nothing passes.
func TestNothingPassesUnsigned(t *testing.T) {
	s := newSealed(t, Config{})
	s.keys.Store(nil)
	d := s.Decide(t.Context(), &Request{Authorization: []string{"Bearer " + s.Token(s.UserClaims())}})
	if d.Allowed() || d.Reason != InternalError || d.Detail != unsignedDetail || d.Status() != 500 {
		t.Errorf("%s %s, %d", d.Reason, d.Detail, d.Status())
	}
	s.keys.Store(keysOf(t, newKeyPEM(t)))
	d = s.Decide(t.Context(), &Request{Authorization: []string{"Bearer " + s.Token(s.UserClaims())}})
	d.assertion = nil
	if d.Allowed() {
		t.Error("a decision that lost its assertion allows")
	}
	if set, _ := d.Headers(); valueOf(set, headerAssertion) != "" {
		t.Error("there is an assertion")
	}
}

// Nobody waits for a signature while there is an assertion that is good.
func TestOneSignsWhileOthersGoOn(t *testing.T) {
	s := newSealed(t, Config{})
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.keys.Store(keysOf(t, inPEM(t, private, err))) // whose signatures differ each time
	token := s.Token(s.UserClaims())
	before := s.ask(t, "/", token)
	id := s.identify(t.Context(), token)
	s.now.Add(30)
	id.asserted.signing.Lock() // as if one signed
	if got := s.ask(t, "/", token); got != before {
		t.Error("another was signed")
	}
	id.asserted.signing.Unlock()
	var group sync.WaitGroup
	got := make([]string, 50)
	for i := range got {
		group.Go(func() { got[i] = s.ask(t, "/", token) })
	}
	group.Wait()
	texts := map[string]int{}
	for _, text := range got {
		texts[text]++
	}
	delete(texts, before)
	if after := s.ask(t, "/", token); len(texts) > 1 || after == before {
		t.Errorf("%d assertions were signed", len(texts))
	}
	fresh := s.identify(t.Context(), s.Token(s.UserClaims().With("sub", "kp_2"))).asserted
	fresh.signing.Lock() // so that none is there to get
	first := make([]*signed, 50)
	for i := range first {
		group.Go(func() { first[i], _ = fresh.current() })
	}
	fresh.signing.Unlock()
	group.Wait()
	for _, one := range first {
		if one == nil || one != first[0] {
			t.Fatal("a token's first assertion was signed more than once")
		}
	}
}

// The assertion counts toward the 8 KiB and stays: lists go before it.
func TestTheAssertionStays(t *testing.T) {
	s := newSealed(t, Config{ClaimHeaders: map[string]string{"x-kinde-email": "email"}})
	var long []string
	for i := range 200 {
		long = append(long, fmt.Sprintf("permission:%06d", i)) // 3,599 bytes in a header
	}
	claims := s.UserClaims().With("email", "a@b").With("permissions", long[:120]).With("roles", long)
	d := s.Decide(t.Context(), &Request{Authorization: []string{"Bearer " + s.Token(claims)}})
	set, remove := d.Headers()
	text := valueOf(set, headerAssertion)
	got := valueOf(set, headerOmitted)
	if got != "x-kinde-email,x-kinde-roles" || text == "" || size(set) >= maxHeaderBytes {
		t.Errorf("omitted %q, %d bytes of assertion, %d in all", got, len(text), size(set))
	}
	claimed := claimsOf(t, text)
	if !cmp.Equal(claimed.Omitted, []string{"roles"}) || len(claimed.Permissions) != 120 || len(text) > 4096 {
		t.Errorf("omitted %v, %d permissions, %d bytes", claimed.Omitted, len(claimed.Permissions), len(text))
	}
	if strings.Contains(strings.Join(remove, " "), headerAssertion) {
		t.Errorf("removed %v", remove)
	}
}

// Single values have room beside an assertion; where all are as long as they can be,
// nothing passes.
func TestHeadersWithoutRoomForTheAssertionDoNotPass(t *testing.T) {
	s := newSealed(t, Config{})
	for name, row := range map[string]struct {
		id    string
		party int
		want  Reason
	}{
		"long":              {strings.Repeat("k", 512), 256, Allowed},
		"long and encoded":  {strings.Repeat("\u00fc", 256), 30, Allowed},
		"as long as can be": {strings.Repeat("\u00fc", 256), 256, InternalError},
	} {
		id, signer := &identity{}, *s.identities.signer
		signer.issuer, signer.audience = strings.Repeat("i", row.party), strings.Repeat("a", row.party)
		id.tell(&identities{headers: standard(t), signer: &signer}, &kinde.Token{
			Actor: kinde.User, Issuer: "https://" + strings.Repeat("i", 253), Subject: row.id, ClientID: row.id, ID: row.id,
			OrgCode: strings.Repeat("o", 128),
			Expires: time.Unix(s.now.Load()+100, 0),
		})
		d := allow(nil, id, nil)
		set, _ := d.Headers()
		if n := size(set); d.Reason != row.want || d.Allowed() != (row.want == Allowed) || n >= maxHeaderBytes {
			t.Errorf("%s: %s, %d bytes", name, d.Reason, n)
		}
	}
}

// Attack O14: the assertion's name is set in any case, and removed in every other spelling.
func TestForgedAssertionsAreReplaced(t *testing.T) {
	s := newSealed(t, Config{})
	request := &Request{Authorization: []string{"Bearer " + s.Token(s.UserClaims())}}
	for _, name := range []string{"x-kinde-assertion", "X-Kinde-Assertion", "x_kinde_assertion", "x-kinde.assertion"} {
		request.AddHeader(name, "forged")
	}
	d := s.Decide(t.Context(), request)
	_, remove := d.Headers()
	want := []string{"x-kinde-omitted", "x-kinde.assertion", "x_kinde_assertion"}
	if diff := cmp.Diff(want, remove); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestAssertionsThatAreRefused(t *testing.T) {
	l := newLab(t)
	for name, row := range map[string]struct {
		change func(*Assertion)
		want   string
	}{
		"no audience":       {func(a *Assertion) { a.Audience = "" }, "assertion.audience: it is missing"},
		"no issuer":         {func(a *Assertion) { a.Issuer = "" }, "assertion.issuer: it is missing"},
		"a space":           {func(a *Assertion) { a.Audience = "a b" }, `assertion.audience: "a b": want visible ASCII`},
		"a quote":           {func(a *Assertion) { a.Issuer = `a"` }, "assertion.issuer: "},
		"a long one":        {func(a *Assertion) { a.Issuer = strings.Repeat("a", 257) }, "assertion.issuer: it has 257"},
		"a short lifetime":  {func(a *Assertion) { a.Lifetime = 9 * time.Second }, "assertion.lifetime: 9s: want"},
		"a long lifetime":   {func(a *Assertion) { a.Lifetime = 301 * time.Second }, "assertion.lifetime: 5m1s"},
		"no lifetime":       {func(a *Assertion) { a.Lifetime = 0 }, "assertion.lifetime: 0s"},
		"the least is fine": {func(a *Assertion) { a.Lifetime = 10 * time.Second }, ""},
		"the most is fine":  {func(a *Assertion) { a.Lifetime = 5 * time.Minute }, ""},
	} {
		config := Config{Verifier: l.verifier, Assertion: &Assertion{Audience: "a", Issuer: "i", Lifetime: time.Minute}}
		row.change(config.Assertion)
		_, err := NewAuthorizer(config)
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.HasPrefix(err.Error(), row.want)) {
			t.Errorf("%s: got %v, want %s", name, err, row.want)
		}
	}
}
