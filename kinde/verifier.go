package kinde

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Verifier decides on tokens. Its methods may be called at the same time.
type Verifier struct {
	issuers   map[string]*issuer
	domains   []string // in configured order
	leeway    time.Duration
	now       func() time.Time
	verifying semaphore
}

// issuer is an [Issuer] at work: its keys are its own and never verify a token
// of another.
type issuer struct {
	domain   string
	audience []string
	keys     *keyStore
}

// NewVerifier checks the configuration; what is wrong with it is a
// [ConfigError]. It does no I/O: an issuer's tokens get [KeysUnavailable] until
// [Verifier.Start] has been called, and wait for the first fetch of the keys then.
func NewVerifier(config Config) (*Verifier, error) {
	return newVerifier(config, nil)
}

// Reconfigured returns a verifier with another configuration. An issuer that both
// know begins with the keys that v has when the new one is started. It changes
// nothing in v, and starts nothing: to change over, start the new one, use it, and
// then stop the old one.
func (v *Verifier) Reconfigured(config Config) (*Verifier, error) {
	return newVerifier(config, v.issuers)
}

func newVerifier(config Config, known map[string]*issuer) (*Verifier, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	v := &Verifier{issuers: make(map[string]*issuer), leeway: config.Leeway, now: config.Now, verifying: make(semaphore, config.MaxVerifying)}
	for number, one := range config.Issuers {
		i, err := newIssuer(one, config)
		if err != nil {
			return nil, ConfigErrorAt(err, "issuers", strconv.Itoa(number))
		}
		if v.issuers[i.domain] != nil {
			err := fmt.Errorf("the issuer %s is listed twice", i.domain)
			return nil, ConfigErrorAt(err, "issuers", strconv.Itoa(number), "domain")
		}
		if old := known[i.domain]; old != nil {
			i.keys = i.keys.after(old.keys)
		}
		v.issuers[i.domain] = i
		v.domains = append(v.domains, i.domain)
	}
	return v, nil
}

func newIssuer(one Issuer, config Config) (*issuer, error) {
	address, err := parseDomain(one.Domain, config.InsecureHTTP)
	if err != nil {
		return nil, ConfigErrorAt(err, "domain")
	}
	if one.Audience != nil && len(one.Audience) == 0 || slices.Contains(one.Audience, "") {
		return nil, ConfigErrorAt(errors.New("it is set but empty: name at least one, or leave it out"), "audience")
	}
	domain := address.String()
	keys := &keyStore{
		origin: origin{domain, one.JWKSFile, config.Refresh, config.MaxStale, config.Timeout},
		now:    config.Now, demand: make(chan struct{}, 1), loaded: make(chan struct{}),
		observe: config.Observer.Refreshed,
	}
	if keys.observe == nil {
		keys.observe = func(Refresh) {}
	}
	keys.source = newHTTPSource(address, config.Transport, config.Timeout)
	if one.JWKSFile != "" {
		keys.source = fileSource{one.JWKSFile, config.Timeout}
	}
	return &issuer{domain: domain, audience: slices.Clone(one.Audience), keys: keys}, nil
}

// Start begins to fetch the keys of every issuer and to keep them fresh, until
// stop is called, which waits for the end of it.
func (v *Verifier) Start() (stop func()) {
	for _, i := range v.issuers {
		i.keys.start()
	}
	return sync.OnceFunc(func() {
		var all sync.WaitGroup
		for _, i := range v.issuers {
			all.Go(i.keys.release)
		}
		all.Wait()
	})
}

// Run is [Verifier.Start] until ctx ends.
func (v *Verifier) Run(ctx context.Context) {
	stop := v.Start()
	<-ctx.Done()
	stop()
}

// KeyStatus is the state of one issuer's keys.
type KeyStatus struct {
	// Issuer is the issuer's domain.
	Issuer string
	// Keys is how many keys are known, zero before the first fetch.
	Keys int
	// Age is how long ago they were fetched.
	Age time.Duration
	// Usable reports whether tokens can be decided on: keys are there, and
	// not too old.
	Usable bool
}

// Status returns the state of each issuer's keys, in configured order.
func (v *Verifier) Status() []KeyStatus {
	all := make([]KeyStatus, 0, len(v.domains))
	for _, domain := range v.domains {
		keys := v.issuers[domain].keys
		status := KeyStatus{Issuer: domain}
		if set := keys.current.Load(); set != nil && len(set.keys) > 0 {
			status.Keys, status.Age, status.Usable = len(set.keys), v.now().Sub(set.fetched), keys.usable(set, v.now()) == nil
		}
		all = append(all, status)
	}
	return all
}

// WaitReady waits until at least one issuer's keys have been fetched, so that some
// token can be decided on. The error is that of ctx.
func (v *Verifier) WaitReady(ctx context.Context) error {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	loaded := make(chan struct{}, len(v.issuers))
	for _, i := range v.issuers {
		go func() {
			select {
			case <-i.keys.loaded:
				loaded <- struct{}{}
			case <-waiting.Done():
			}
		}()
	}
	select {
	case <-loaded:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Ready reports whether at least one issuer has usable keys, so that some
// token can be decided on.
func (v *Verifier) Ready() bool {
	return slices.ContainsFunc(v.Status(), func(s KeyStatus) bool { return s.Usable })
}

var (
	errIssuer    = &Error{WrongIssuer, "iss is none of the configured issuers"}
	errSignature = &Error{BadSignature, "the named key did not make the signature"}
	errEmptyAud  = &Error{EmptyAudience, "aud is empty"}
	errWrongAud  = &Error{WrongAudience, "aud names none of the configured audiences"}
	errActor     = &Error{UnknownActor, "the token has no sub, and gty does not list client_credentials"}
)

// Verify decides on a token: a compact JWS (RFC 7515, section 7.1) of at most
// 16 KiB, in strict base64url, whose header and payload are JSON objects with
// unique names; signed with RS256 by the key that it names, which must be one
// of the issuer that it names; with well-formed claims, in its lifetime, for
// one of the issuer's audiences.
//
// It waits only for the first fetch of the keys, when the token names an unknown key,
// or when many signatures are to be verified at once, and each time for at most three
// quarters of what is left until ctx's deadline, so that the caller can still answer;
// without a deadline, for all of the fetch. The fetch of a key goes on for the next one.
// Of an issuer at most 256 wait: those beyond get [KeysUnavailable] at once.
//
// The error is always an [*Error], and the token nil then.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	verdict := v.Judge(ctx, token)
	if verdict.Err != nil {
		return nil, verdict.Err
	}
	return verdict.Token, nil
}

// Judge is [Verifier.Verify] for a caller that remembers: the verdict says for
// how long it holds.
func (v *Verifier) Judge(ctx context.Context, token string) Verdict {
	jws, err := parseCompact(token)
	if err != nil {
		return Verdict{Err: err}
	}
	header, err := parseHeader(jws.header)
	if err != nil {
		return Verdict{Err: err}
	}
	name, err := issuerOf(jws.payload)
	if err != nil {
		return Verdict{Err: err}
	}
	keyID, err := header.key()
	if err != nil {
		return Verdict{Err: err}
	}
	issuer := v.issuers[name]
	if issuer == nil {
		return Verdict{Err: errIssuer}
	}
	key, err := issuer.keys.find(ctx, keyID)
	if err != nil {
		return Verdict{Err: err}
	}
	if err := v.verify(ctx, key, &jws); err != nil {
		return Verdict{Err: err}
	}
	return v.accept(issuer, key, &header, jws.payload)
}

// verify checks the signature, once there is room for one more.
func (v *Verifier) verify(ctx context.Context, key *key, jws *compact) error {
	if err := v.verifying.acquire(ctx); err != nil {
		return err
	}
	defer v.verifying.release()
	digest := sha256.Sum256([]byte(jws.signed))
	if rsa.VerifyPKCS1v15(key.public, crypto.SHA256, digest[:], jws.signature) != nil {
		return errSignature
	}
	return nil
}

// accept decides on the claims, now known to be the issuer's own.
func (v *Verifier) accept(issuer *issuer, key *key, header *header, payload string) Verdict {
	signed := signedBy(issuer.keys, key)
	claims, err := parseClaims(payload)
	if err != nil {
		return Verdict{Err: err, Validity: signed.always()}
	}
	token, err := claims.token(issuer.domain)
	if err != nil {
		return Verdict{Err: err, Validity: signed.always()}
	}
	if token.Audience, err = claims.audiences(); err != nil {
		return Verdict{Err: err, Validity: signed.always()}
	}
	times, err := claims.times()
	if err != nil {
		return Verdict{Err: err, Validity: signed.always()}
	}
	switch err := times.check(v.now(), v.leeway); {
	case err == errExpired: //nolint:errorlint // a sentinel of this package, as it is
		return Verdict{Err: err, Validity: signed.after(times, v.leeway)}
	case err != nil:
		return Verdict{Err: err}
	}
	within := signed.within(times, v.leeway)
	if claims.foreign || !header.isAccessToken() {
		return Verdict{Err: errForeign, Validity: within}
	}
	token.Expires = times.expires
	return Verdict{Token: token, Err: issuer.refuse(token), AnyAudience: issuer.audience == nil, Validity: within}
}

// refuse reports why an access token in its lifetime does not pass.
func (i *issuer) refuse(token *Token) error {
	if i.audience != nil {
		if err := token.CheckAudience(i.audience); err != nil {
			return err
		}
	}
	if token.Actor == "" {
		return errActor
	}
	return nil
}
