package policytest

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/probe"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// suite is a file of cases with what decides on them.
type suite struct {
	file       *file
	settings   *settings.Settings
	signer     *signer
	now        time.Time // when cases are that say nothing else
	clock      atomic.Pointer[time.Time]
	authorizer *authz.Authorizer
}

// set sets the clock.
func (s *suite) set(from time.Time, at offset) {
	now := from.Add(time.Duration(at))
	s.clock.Store(&now)
}

// prepare has the same made of the settings as in the service, but for where the keys
// come from and what the time is.
func (s *suite) prepare(by *signer) {
	s.signer, s.now = by, time.Now().Truncate(time.Second)
	s.set(s.now, 0)
	config := &s.settings.Verifier
	for i := range config.Issuers {
		config.Issuers[i].JWKSFile = ""
	}
	config.Transport = by
	config.Now = func() time.Time { return *s.clock.Load() }
	config.MaxStale = math.MaxInt64 // a case may be at any time
	config.Refresh, config.Timeout = 0, 0
	s.settings.Authorizer.CachedTokens = 0 // no two cases share a token
	s.settings.Authorizer.Assertion = nil  // the file of its keys is not read
}

// run runs each case.
func (s *suite) run(ctx context.Context, by *signer) ([]*Result, error) {
	s.prepare(by)
	seen := probe.Observe(&s.settings.Verifier)
	verifier, authorizer, err := s.settings.Build(nil)
	if err != nil {
		return nil, err
	}
	s.authorizer = authorizer
	defer verifier.Start()()
	seen.First(len(s.settings.Verifier.Issuers))
	var all []*Result
	for number := range s.file.Tests {
		result, err := s.try(ctx, number)
		if err != nil {
			return nil, err
		}
		all = append(all, result)
	}
	return all, nil
}

// try runs one case.
func (s *suite) try(ctx context.Context, number int) (*Result, error) {
	c, start := &s.file.Tests[number], time.Now()
	request, err := s.request(ctx, c)
	if err != nil {
		return nil, err
	}
	result := &Result{
		File: s.file.path, Line: s.file.node(number).Line, Name: string(c.Name),
		Request: request, Decision: s.authorizer.Decide(ctx, request), Took: time.Since(start),
	}
	result.Failures = c.Want.compare(&result.Decision, c.upstream(request))
	return result, nil
}

// request makes the request of a case as Envoy describes it, with its token, and sets
// the clock to when it comes.
func (s *suite) request(ctx context.Context, c *caseInFile) (*authz.Request, error) {
	request := c.Request.request()
	s.set(s.now, c.At)
	if c.Token == nil {
		return request, nil
	}
	bare := s.authorizer.Decide(ctx, c.Request.request())
	claims, issued := c.Token.complete(s.settings, s.audience(bare.Resource()), s.now)
	token, err := s.signer.token(claims)
	if err != nil {
		return nil, err
	}
	s.set(issued, c.At)
	request.AddHeader("authorization", "Bearer "+token)
	return request, nil
}

// audience returns the audience of a resource, nil where it has none of its own.
func (s *suite) audience(identifier string) []string {
	for _, r := range s.settings.Authorizer.Resources {
		if r.Identifier == identifier {
			return r.Audience
		}
	}
	return nil
}

// request makes the request without its token.
func (r *requestSettings) request() *authz.Request {
	headers := make(map[string]string, len(r.Headers))
	for name, value := range r.Headers {
		headers[strings.ToLower(name)] = string(value)
	}
	var extensions map[string]string
	if r.Policy != "" {
		extensions = map[string]string{"policy": string(r.Policy)}
	}
	request := authz.NewRequest(r.method(), string(r.Path), headers, extensions)
	if r.Body != nil {
		request.Body = string(*r.Body)
	}
	return request
}

func (r *requestSettings) method() string {
	switch {
	case r.Method != "":
		return string(r.Method)
	case r.Body != nil:
		return http.MethodPost
	default:
		return http.MethodGet
	}
}
