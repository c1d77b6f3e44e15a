package kinde

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// The defaults of a [Config].
const (
	DefaultRefresh  = 15 * time.Minute
	DefaultMaxStale = 24 * time.Hour
	DefaultTimeout  = 5 * time.Second
	MaxLeeway       = 5 * time.Minute
)

// Config says whose tokens a [Verifier] accepts. All but Issuers may be left
// out; no zero value weakens a check, except that an issuer without an
// audience accepts tokens for any.
type Config struct {
	// Issuers are those whose tokens are accepted, at least one, each once.
	Issuers []Issuer
	// Leeway is what the clocks of issuer and verifier may differ by, 0 to
	// [MaxLeeway]. Zero allows for no difference.
	Leeway time.Duration
	// Refresh is how often the keys are fetched: the longest that a withdrawn
	// key stays in use while the issuer answers. Zero is [DefaultRefresh].
	Refresh time.Duration
	// MaxStale is how long keys are used while the issuer does not answer. It
	// is longer than Refresh. Zero is [DefaultMaxStale].
	MaxStale time.Duration
	// Timeout bounds each request to an issuer, and the reading of a JWKSFile, which
	// never takes longer than 5 s. Zero is [DefaultTimeout].
	Timeout time.Duration
	// MaxVerifying is how many signatures are verified at a time; tokens beyond
	// that wait. Zero is one for each processor (GOMAXPROCS).
	MaxVerifying int
	// InsecureHTTP allows issuers at http:// addresses, where anyone on the
	// way can replace the keys. For local stacks and tests only.
	InsecureHTTP bool
	// Transport makes the requests to issuers. Nil is one of the package's
	// own, which honours HTTPS_PROXY.
	Transport http.RoundTripper
	// Now tells the time. Nil is [time.Now].
	Now func() time.Time
	// Observer is told what happens to the keys.
	Observer Observer
}

// withDefaults fills in what was left out.
func (c Config) withDefaults() Config {
	c.Refresh = cmp.Or(c.Refresh, DefaultRefresh)
	c.MaxStale = cmp.Or(c.MaxStale, DefaultMaxStale)
	c.Timeout = cmp.Or(c.Timeout, DefaultTimeout)
	c.MaxVerifying = cmp.Or(c.MaxVerifying, runtime.GOMAXPROCS(0))
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Transport == nil {
		c.Transport = defaultTransport()
	}
	return c
}

func (c Config) check() error {
	const notNegative = "%s: want a duration that is not negative"
	switch {
	case len(c.Issuers) == 0:
		return ConfigErrorAt(errors.New("want at least one issuer"), "issuers")
	case c.Leeway < 0 || c.Leeway > MaxLeeway:
		return ConfigErrorAt(fmt.Errorf("%s: want 0s to %s", c.Leeway, MaxLeeway), "leeway")
	case c.Refresh < 0:
		return ConfigErrorAt(fmt.Errorf(notNegative, c.Refresh), "jwks", "refresh")
	case c.Timeout < 0:
		return ConfigErrorAt(fmt.Errorf(notNegative, c.Timeout), "jwks", "timeout")
	case c.MaxStale <= c.Refresh:
		return ConfigErrorAt(fmt.Errorf("%s: want more than refresh, which is %s", c.MaxStale, c.Refresh), "jwks", "max_stale")
	case c.MaxVerifying < 0:
		return ConfigErrorAt(fmt.Errorf("%d: want 1 or more", c.MaxVerifying), "max_verifying")
	}
	return nil
}

// Issuer is one Kinde business, or one organization's custom domain.
type Issuer struct {
	// Domain is the issuer's address, as it stands in iss: a scheme and a
	// host, like https://yourapp.kinde.com. Trailing slashes are dropped.
	Domain string
	// Audience are the APIs that accept a token, one of which it must name.
	// Nil accepts any token; an empty list is an error.
	Audience []string
	// JWKSFile is the path of a JWK set to use instead of the one at the
	// issuer. It is read again every Refresh.
	JWKSFile string
}

// Observer is told of what happens in the background. Its functions may be
// nil; they are called one at a time for each issuer and must not block.
type Observer struct {
	// Refreshed is called after each attempt to fetch an issuer's keys.
	Refreshed func(Refresh)
}

// RefreshResult is how an attempt to fetch keys ended.
type RefreshResult string

// The results of a refresh.
const (
	RefreshOK          RefreshResult = "ok"
	RefreshNotModified RefreshResult = "not_modified"
	RefreshError       RefreshResult = "error"
)

// Refresh is one attempt to fetch an issuer's keys.
type Refresh struct {
	// Issuer is the issuer's domain.
	Issuer string
	// Start is when the attempt began, and Took how long it took.
	Start time.Time
	Took  time.Duration
	// Result is how the attempt ended.
	Result RefreshResult
	// Keys is how many usable keys are known now.
	Keys int
	// Refused says why keys of the set are not used, one error a key.
	Refused []error
	// Err is why the attempt failed, nil unless Result is [RefreshError].
	Err error
}

// parseDomain reads the address of an issuer: https:// and a host, or http://
// too where insecureHTTP allows it. Trailing slashes are dropped; a path, a
// query, a user or capital letters are errors, because iss is compared byte by
// byte and would never match.
func parseDomain(domain string, insecureHTTP bool) (*url.URL, error) {
	const form = "want a scheme and a host, like https://yourapp.kinde.com"
	address, err := url.Parse(strings.TrimRight(domain, "/"))
	if err != nil || address.Host == "" || (address.Scheme != "https" && address.Scheme != "http") {
		return nil, fmt.Errorf("%q is not an issuer: %s", domain, form)
	}
	bare := url.URL{Scheme: address.Scheme, Host: address.Host}
	if bare.String() != strings.TrimRight(domain, "/") || address.Hostname() == "" || strings.ToLower(address.Host) != address.Host {
		return nil, fmt.Errorf("%q is not an issuer: %s, in lower case, with nothing after it", domain, form)
	}
	if host := address.Hostname(); strings.HasSuffix(host, ".") || strings.Contains(host, "*") || strings.Contains(host, "..") || !isPort(address) {
		return nil, fmt.Errorf("%q is not an issuer: %s, without a final dot or a wildcard, and with a port from 1 to 65535 if any", domain, form)
	}
	if address.Scheme == "http" && !insecureHTTP {
		return nil, fmt.Errorf("%q is not https: anyone on the way could replace the keys", domain)
	}
	return &bare, nil
}

// isPort reports whether an address has no port, or one that there is.
func isPort(address *url.URL) bool {
	if address.Host == address.Hostname() || strings.HasSuffix(address.Host, "]") { // also an IPv6 address
		return true
	}
	port, err := strconv.ParseUint(address.Port(), 10, 16)
	return err == nil && port > 0
}
