package kindetest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const callback = "http://127.0.0.1:8765/callback"

var (
	verifier  = strings.Repeat("verifier", 6)
	challenge = func() string {
		sum := sha256.Sum256([]byte(verifier))
		return base64.RawURLEncoding.EncodeToString(sum[:])
	}()
)

// asked is a good authorization request, changed like that; an empty value takes a
// parameter away.
func asked(change url.Values) url.Values {
	query := url.Values{
		"response_type": {"code"}, "client_id": {"app"}, "redirect_uri": {callback}, "state": {"s1"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"}, "scope": {"openid offline"},
		"audience": {"https://a", "https://b"}, "resource": {"https://r/mcp"},
	}
	for name, values := range change {
		query[name] = values
	}
	return query
}

// loggedIn sends the request, with a form if any, and returns the answer.
func loggedIn(issuer *kindetest.Issuer, query, form url.Values) *http.Response {
	request := httptest.NewRequest(http.MethodGet, "/oauth2/auth?"+query.Encode(), nil)
	if form != nil {
		request = httptest.NewRequest(http.MethodPost, "/oauth2/auth?"+query.Encode(), strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	recorder := httptest.NewRecorder()
	issuer.ServeHTTP(recorder, request)
	return recorder.Result()
}

// codeOf returns the parameters that the client is sent.
func codeOf(t *testing.T, response *http.Response) url.Values {
	t.Helper()
	target, err := response.Location()
	if err != nil || response.StatusCode != http.StatusFound || !strings.HasPrefix(target.String(), callback+"?") {
		t.Fatalf("status %d, to %v %v", response.StatusCode, target, err)
	}
	return target.Query()
}

type tokens struct {
	Error   string `json:"error"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Type    string `json:"token_type"`
	Scope   string `json:"scope"`
	Expires int    `json:"expires_in"`
}

func exchanged(t *testing.T, issuer *kindetest.Issuer, form url.Values) (status int, answer tokens) {
	t.Helper()
	request := httptest.NewRequest(http.MethodPost, "/oauth2/token", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	recorder := httptest.NewRecorder()
	issuer.ServeHTTP(recorder, request)
	if err := json.Unmarshal(recorder.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%v: %s", err, recorder.Body)
	}
	return recorder.Code, answer
}

func redeeming(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {"app"},
		"code_verifier": {verifier},
	}
}

func TestLogin(t *testing.T) {
	issuer := issuer()
	answer := codeOf(t, loggedIn(issuer, asked(nil), nil))
	if answer.Get("state") != "s1" || answer.Has("error") {
		t.Fatalf("%v", answer)
	}
	status, got := exchanged(t, issuer, redeeming(answer.Get("code")))
	if status != 200 || got.Type != "bearer" || got.Expires != 3600 || got.Scope != "openid offline" || got.Refresh == "" {
		t.Fatalf("%d %+v", status, got)
	}
	want := map[string]any{
		"aud": []any{"https://a", "https://b"}, "azp": "app", "sub": kindetest.UserID, "scp": []any{"openid", "offline"},
	}
	assertClaims(t, payload(t, got.Access), want)
	if status, got := exchanged(t, issuer, redeeming(answer.Get("code"))); status != 400 || got.Error != "invalid_grant" {
		t.Errorf("the code again: %d %+v", status, got)
	}

	refreshing := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {got.Refresh}, "client_id": {"app"}}
	status, renewed := exchanged(t, issuer, refreshing)
	if status != 200 || renewed.Refresh == got.Refresh {
		t.Fatalf("%d %+v", status, renewed)
	}
	assertClaims(t, payload(t, renewed.Access), want)
	if status, got := exchanged(t, issuer, refreshing); status != 400 || got.Error != "invalid_grant" {
		t.Errorf("the refresh token again: %d %+v", status, got)
	}
}

// What Kinde documents, and what MCP clients expect.
func TestAudienceOfALogin(t *testing.T) {
	for name, row := range map[string]struct {
		indicators bool
		change     url.Values
		want       []any
	}{
		"audience and resource": {false, nil, []any{"https://a", "https://b"}},
		"resource alone":        {false, url.Values{"audience": nil}, []any{}},
		"RFC 8707":              {true, url.Values{"audience": nil}, []any{"https://r/mcp"}},
		"RFC 8707 and audience": {true, nil, []any{"https://a", "https://b", "https://r/mcp"}},
	} {
		issuer := kindetest.New("http://issuer")
		issuer.ResourceIndicators = row.indicators
		code := codeOf(t, loggedIn(issuer, asked(row.change), nil)).Get("code")
		_, got := exchanged(t, issuer, redeeming(code))
		if diff := cmp.Diff(any(row.want), payload(t, got.Access)["aud"]); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
	issuer := kindetest.New("http://issuer")
	issuer.ResourceIndicators = true
	form := redeeming(codeOf(t, loggedIn(issuer, asked(nil), nil)).Get("code"))
	form.Set("resource", "https://other")
	if status, got := exchanged(t, issuer, form); status != 400 || got.Error != "invalid_target" {
		t.Errorf("another resource: %d %+v", status, got)
	}
}

func TestRefusedLogin(t *testing.T) {
	for name, row := range map[string]struct {
		change url.Values
		error  string // empty: the client is told nothing
	}{
		"no client":         {url.Values{"client_id": nil}, ""},
		"no redirect":       {url.Values{"redirect_uri": nil}, ""},
		"another machine":   {url.Values{"redirect_uri": {"http://evil.example.com/callback"}}, ""},
		"looks like this":   {url.Values{"redirect_uri": {"http://127.0.0.1.evil.example.com/"}}, ""},
		"a user in front":   {url.Values{"redirect_uri": {"http://localhost@evil.example.com/"}}, ""},
		"https":             {url.Values{"redirect_uri": {"https://localhost/callback"}}, ""},
		"a script":          {url.Values{"redirect_uri": {"javascript:alert(1)"}}, ""},
		"a token at once":   {url.Values{"response_type": {"token"}}, "unsupported_response_type"},
		"no PKCE":           {url.Values{"code_challenge": nil, "code_challenge_method": nil}, "invalid_request"},
		"the plain method":  {url.Values{"code_challenge_method": {"plain"}}, "invalid_request"},
		"no method of PKCE": {url.Values{"code_challenge_method": nil}, "invalid_request"},
	} {
		response := loggedIn(issuer(), asked(row.change), nil)
		if row.error == "" {
			if response.StatusCode != http.StatusBadRequest || response.Header.Get("Location") != "" {
				t.Errorf("%s: status %d, to %q", name, response.StatusCode, response.Header.Get("Location"))
			}
			continue
		}
		if got := codeOf(t, response); got.Get("error") != row.error || got.Get("state") != "s1" || got.Has("code") {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRefusedExchange(t *testing.T) {
	issuer := kindetest.New("http://issuer")
	clock := now
	issuer.Now = func() time.Time { return clock }
	for name, row := range map[string]struct {
		change url.Values
		later  time.Duration
		error  string
	}{
		"another verifier": {url.Values{"code_verifier": {verifier + "x"}}, 0, "invalid_grant"},
		"no verifier":      {url.Values{"code_verifier": nil}, 0, "invalid_grant"},
		"another client":   {url.Values{"client_id": {"other"}}, 0, "invalid_grant"},
		"another redirect": {url.Values{"redirect_uri": {"http://127.0.0.1:1/callback"}}, 0, "invalid_grant"},
		"another code":     {url.Values{"code": {"x"}}, 0, "invalid_grant"},
		"too late":         {nil, time.Minute, "invalid_grant"},
		"another grant":    {url.Values{"grant_type": {"password"}}, 0, "unsupported_grant_type"},
		"no secret":        {url.Values{"grant_type": {"client_credentials"}}, 0, "invalid_client"},
	} {
		form := redeeming(codeOf(t, loggedIn(issuer, asked(nil), nil)).Get("code"))
		for parameter, values := range row.change {
			form[parameter] = values
		}
		clock = now.Add(row.later)
		if status, got := exchanged(t, issuer, form); status < 400 || got.Error != row.error || got.Access != "" {
			t.Errorf("%s: %d %+v, want %s", name, status, got, row.error)
		}
		clock = now
	}
}

func TestLoginPage(t *testing.T) {
	issuer := kindetest.New("http://issuer")
	issuer.LoginPage = true
	query := asked(url.Values{"client_id": {"<b>app"}, "org_code": {"org_globex"}})
	page, err := io.ReadAll(loggedIn(issuer, query, nil).Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;b&gt;app", "https://a https://b", "openid offline", `value="org_globex"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q: %s", want, page)
		}
	}
	form := url.Values{"user": {"kp_ada"}, "org": {"org_acme"}, "permissions": {"stations:delete other"}}
	redeemed := redeeming(codeOf(t, loggedIn(issuer, query, form)).Get("code"))
	redeemed.Set("client_id", "<b>app")
	_, got := exchanged(t, issuer, redeemed)
	assertClaims(t, payload(t, got.Access), map[string]any{
		"sub": "kp_ada", "org_code": "org_acme", "permissions": []any{"stations:delete", "other"},
	})
}
