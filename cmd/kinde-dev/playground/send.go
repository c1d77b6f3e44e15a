package playground

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/stack"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	sendTimeout = 15 * time.Second
	// logTimeout is how long a line of a log is waited for: Envoy writes every 200 ms.
	logTimeout = 2 * time.Second
	// maxAnswer is how much of an answer's body is shown, in bytes.
	maxAnswer = 64 << 10
)

type (
	request = stack.Request // what the page sends through Envoy
	header  = stack.Header
)

// scene is a request of the README and how it should end.
type scene struct {
	request
	Name   string `json:"name"`
	Status int    `json:"status"`
	Reason string `json:"reason"`
}

func scenes() (all []scene) {
	for _, s := range stack.Scenes {
		all = append(all, scene{s.Request(), s.Name, s.Status, s.Reason})
	}
	return all
}

// result is what came of a request.
type result struct {
	Status       int             `json:"status"`
	StatusText   string          `json:"status_text"`
	Milliseconds float64         `json:"milliseconds"`
	Headers      []header        `json:"headers"` // of the answer
	Body         string          `json:"body"`
	Reason       string          `json:"reason"`
	Meaning      string          `json:"meaning"`
	Hint         string          `json:"hint"`
	Upstream     []header        `json:"upstream"` // what the agent got; null when it got nothing
	Blind        bool            `json:"blind"`    // the upstream is the developer's own: what it got is not known
	Access       json.RawMessage `json:"access"`   // Envoy's line
	Decision     json.RawMessage `json:"decision"` // kinde-authz's line
	Explanation  json.RawMessage `json:"explanation"`
	Unexplained  string          `json:"unexplained"` // why there is no explanation, or another one
	Curl         string          `json:"curl"`
	Case         string          `json:"case"`
	NoCase       string          `json:"no_case"`
}

// send sends a request through Envoy and gathers all that is known of it.
func (p *Playground) send(r *http.Request, in request) (*result, error) {
	ctx, cancel := context.WithTimeout(r.Context(), sendTimeout)
	defer cancel()
	token, err := p.mint(in.Token)
	if err != nil {
		return nil, err
	}
	sent, err := outgoing(ctx, &in, p.stack.URL, token)
	if err != nil {
		return nil, err
	}
	id, position := rand.Text(), p.seen.position()
	sent.Header.Set(marker, id)
	p.seen.expect(id)
	defer p.seen.forget(id) // also where there is no answer
	out, err := exchange(sent)
	if err != nil {
		return nil, fmt.Errorf("Envoy: %w", err) //nolint:staticcheck // a name
	}
	upstream := p.seen.headersOf(id)
	out.Upstream, out.Blind = shown(upstream), p.blind
	p.addLines(ctx, out, position, upstream.Get("X-Request-Id"))
	out.Curl = in.Curl(p.program, p.stack.Issuer.URL, p.stack.URL)
	in.Path = out.asked(in.Path)
	p.explain(ctx, out, &in, token)
	out.Case, out.NoCase = p.testCase(&in, out, token)
	return out, nil
}

func (p *Playground) mint(asked *kindetest.TokenRequest) (string, error) {
	if asked == nil {
		return "", nil
	}
	if asked.Lifetime < 0 {
		return "", wrong("lifetime: want whole seconds, at least 1")
	}
	token, err := p.stack.Issuer.Mint(*asked)
	if err != nil {
		return "", wrongError{err}
	}
	return token, nil
}

// outgoing is the request for Envoy at that URL.
func outgoing(ctx context.Context, in *request, envoy, token string) (*http.Request, error) {
	if !strings.HasPrefix(in.Path, "/") || strings.ContainsFunc(in.Path, func(c rune) bool { return c <= ' ' || c == 0x7f }) {
		return nil, wrong("path %q: want one that begins with / and has no spaces", in.Path)
	}
	out, err := http.NewRequestWithContext(ctx, in.Method, envoy, strings.NewReader(in.Body))
	if err != nil {
		return nil, wrong("method %q: %w", in.Method, err)
	}
	out.URL = &url.URL{Scheme: out.URL.Scheme, Host: out.URL.Host, Opaque: in.Path} // as it is, for who tries dot segments
	if strings.HasPrefix(in.Path, "//") {
		out.URL.Opaque = "//" + out.URL.Host + in.Path
	}
	for _, h := range in.Headers {
		switch strings.ToLower(h.Name) {
		case "host":
			out.Host = h.Value
		case "content-length", "transfer-encoding", "trailer":
			return nil, wrong("header %s: it is made of the body", h.Name)
		default:
			out.Header.Add(h.Name, h.Value)
		}
	}
	if token != "" {
		out.Header.Add("Authorization", "Bearer "+token)
	}
	return out, nil
}

// client makes a new connection a request, as curl does, and follows nothing.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func exchange(outgoing *http.Request) (*result, error) {
	begin := time.Now()
	response, err := client.Do(outgoing)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	out := &result{
		Status: response.StatusCode, StatusText: http.StatusText(response.StatusCode),
		Milliseconds: float64(time.Since(begin).Microseconds()) / 1000, Headers: shown(response.Header), Body: string(body),
	}
	if !utf8.Valid(body) {
		out.Body = fmt.Sprintf("%q", body)
	}
	return out, nil
}

// shown are headers in the order of their names, and enough of a token to know it by.
func shown(headers http.Header) (all []header) {
	for name, values := range headers {
		for _, value := range values {
			if (name == "Authorization" || name == "X-Kinde-Assertion") && len(value) > 24 {
				value = value[:20] + "…"
			}
			all = append(all, header{Name: strings.ToLower(name), Value: value})
		}
	}
	slices.SortStableFunc(all, func(a, b header) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// addLines adds what the logs have on a request that was sent after a position, and the
// reason that they tell.
func (p *Playground) addLines(ctx context.Context, out *result, position int, requestID string) {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	var denial struct {
		ID string `json:"decision_id"`
	}
	_ = json.Unmarshal([]byte(out.Body), &denial) // what is no denial has no ID
	access := p.seen.await(ctx, envoyLog, position, func(l *line) bool {
		switch {
		case requestID != "":
			return l.RequestID == requestID
		case denial.ID != "":
			return l.DecisionID == denial.ID
		default: // Envoy's own answer: what else it got meanwhile has another status, or waits its turn
			return l.Status.String() == fmt.Sprint(out.Status)
		}
	})
	out.Access, out.Reason = access.text, access.Reason
	out.Meaning = authz.Meaning(authz.Reason(out.Reason))
	if access.DecisionID == "" {
		out.Meaning = envoysOwn(access.Details)
		return
	}
	decision := p.seen.await(ctx, authzLog, position, func(l *line) bool { return l.DecisionID == access.DecisionID })
	out.Decision, out.Hint = decision.text, decision.Hint
}

// asked is the path as kinde-authz was asked about it: Envoy may have made it canonical.
func (out *result) asked(sent string) string {
	var decision struct{ Path string }
	_ = json.Unmarshal(out.Decision, &decision) // without one, as it was sent
	path, query, queried := strings.Cut(sent, "?")
	switch {
	case decision.Path == "" || decision.Path == path:
		return sent
	case queried:
		return decision.Path + "?" + query
	default:
		return decision.Path
	}
}

// envoysOwn says why Envoy answered without a decision, by its response code details.
//
// https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details
func envoysOwn(details string) string {
	switch {
	case details == "ext_authz_error":
		return "Envoy got no answer from kinde-authz, so nobody passes"
	case details == "":
		return "Envoy logged nothing of it yet"
	case strings.HasPrefix(details, "path_normalization_failed"), strings.Contains(details, "escaped_slashes"):
		return "Envoy refused the path before it asked kinde-authz: " + details
	default:
		return "Envoy answered before it asked kinde-authz: " + details
	}
}
