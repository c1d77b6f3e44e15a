package kinde

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
	"unicode/utf8"

	"github.com/kinde-authz/kinde-authz/internal/regular"
	"github.com/kinde-authz/kinde-authz/internal/strictjson"
)

// source is where an issuer's JWK set comes from.
type source interface {
	// fetch returns the set's text, or errNotModified when it is the one that
	// was fetched last.
	fetch(ctx context.Context) (string, error)
}

var errNotModified = errors.New("the JWK set has not changed")

// fileSource reads the set from a file, for machines without a network.
type fileSource struct {
	path    string
	timeout time.Duration
}

// fetch implements source.
func (f fileSource) fetch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	set, err := regular.Read(ctx, f.path, maxSetBytes)
	if err != nil {
		return "", fmt.Errorf("jwks_file: %w", err)
	}
	return string(set), nil
}

// readSet reads no more than a JWK set may have.
func readSet(r io.Reader) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxSetBytes+1))
	if err != nil {
		return "", err
	}
	if len(body) > maxSetBytes {
		return "", fmt.Errorf("more than %d KiB", maxSetBytes>>10)
	}
	return string(body), nil
}

// httpSource asks the issuer: the discovery document for the set's address,
// then the set. Only one goroutine uses it.
type httpSource struct {
	issuer  *url.URL
	client  *http.Client
	timeout time.Duration // of one request, the reading of its body included

	jwksURI string // from the last discovery, until a fetch fails
	etag    string // of the last set
}

// newHTTPSource returns a source that follows no redirect, so that an answer
// cannot send it to another host or down to plain HTTP, and that keeps no
// connection between two refreshes.
func newHTTPSource(issuer *url.URL, transport http.RoundTripper, timeout time.Duration) *httpSource {
	return &httpSource{issuer: issuer, timeout: timeout, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// defaultTransport bounds every phase of a request that the context does not.
func defaultTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      true,
		ForceAttemptHTTP2:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

func (s *httpSource) fetch(ctx context.Context) (string, error) {
	if s.jwksURI == "" {
		uri, err := s.discover(ctx)
		if err != nil {
			return "", err
		}
		s.jwksURI = uri
	}
	body, err := s.get(ctx, s.jwksURI, &s.etag)
	if err != nil && !errors.Is(err, errNotModified) {
		s.jwksURI, s.etag = "", ""
	}
	return body, err
}

// forget makes the next fetch get the whole set again, because the one the
// issuer sent was of no use.
func (s *httpSource) forget() { s.jwksURI, s.etag = "", "" }

// discover returns the address of the JWK set: jwks_uri of the discovery
// document (OpenID Connect Discovery 1.0, section 4), or where Kinde has it
// when there is no such document. An address elsewhere than at the issuer is
// an error and is not tried.
func (s *httpSource) discover(ctx context.Context) (string, error) {
	fallback := s.issuer.JoinPath("/.well-known/jwks").String()
	body, err := s.get(ctx, s.issuer.JoinPath("/.well-known/openid-configuration").String(), nil)
	if err != nil {
		return fallback, nil //nolint:nilerr // the set is asked for all the same; if that fails too, its error is the one to see
	}
	if !utf8.ValidString(body) {
		return fallback, nil
	}
	members, err := strictjson.Parse(body, nil)
	address, found := strictjson.Find(members, "jwks_uri")
	if err != nil || !found {
		return fallback, nil //nolint:nilerr // as above
	}
	text, _ := address.Text()
	uri, err := url.Parse(text)
	if err != nil || uri.Scheme != s.issuer.Scheme || uri.Host != s.issuer.Host || uri.User != nil {
		return "", fmt.Errorf("the discovery document's jwks_uri is not an address at %s: refused", s.issuer)
	}
	return uri.String(), nil
}

// get fetches a document. The limit holds for the body as it is after
// decompression. With an etag it asks for changes only.
func (s *httpSource) get(ctx context.Context, uri string, etag *string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "kinde-authz")
	if etag != nil && *etag != "" {
		request.Header.Set("If-None-Match", *etag)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode == http.StatusNotModified && request.Header.Get("If-None-Match") != "" {
		return "", errNotModified
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %d: want 200", uri, response.StatusCode)
	}
	body, err := readSet(response.Body)
	if err != nil {
		return "", fmt.Errorf("%s: %w", uri, err)
	}
	if etag != nil {
		*etag = response.Header.Get("ETag")
	}
	return body, nil
}
