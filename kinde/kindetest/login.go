package kindetest

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// login is what a client asked the authorization endpoint for, and who logged in.
type login struct {
	client, redirect, challenge string
	scopes                      []string
	audience                    []string
	resources                   []string
	user                        TokenRequest
}

// authorize is the authorization endpoint (RFC 6749, section 4.1.1): any client with
// PKCE (RFC 7636) and a redirect URI on the machine it runs on (RFC 8252, section 7.3)
// may ask, and any user logs in.
//
// https://docs.kinde.com/developer-tools/about/using-kinde-without-an-sdk/
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	l := login{
		client: query.Get("client_id"), redirect: query.Get("redirect_uri"), challenge: query.Get("code_challenge"),
		scopes: strings.Fields(query.Get("scope")), audience: query["audience"], resources: query["resource"],
		user: TokenRequest{Org: query.Get("org_code")},
	}
	// Nobody is sent to an address that nobody vouches for.
	switch {
	case l.client == "":
		http.Error(w, "client_id: want the ID of an application", http.StatusBadRequest)
		return
	case !loopback(l.redirect):
		http.Error(w, fmt.Sprintf("redirect_uri %q: want one on this machine, like http://127.0.0.1:8765/callback", l.redirect),
			http.StatusBadRequest)
		return
	}
	if code, why := refusal(query); code != "" {
		back(w, r, l.redirect, url.Values{"error": {code}, "error_description": {why}})
		return
	}
	if i.LoginPage {
		if r.Method == http.MethodGet {
			i.showLogin(w, &l)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
		l.user = TokenRequest{
			User: r.PostFormValue("user"), Org: r.PostFormValue("org"), Permissions: strings.Fields(r.PostFormValue("permissions")),
		}
	}
	back(w, r, l.redirect, url.Values{"code": {i.remember(codes, &l)}})
}

// loopback reports whether an address is one of the machine that the client runs on.
func loopback(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" || parsed.User != nil || strings.Contains(address, "#") {
		return false
	}
	switch parsed.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return true
	default:
		return false
	}
}

// refusal is the error of a request that the client is told of (RFC 6749, section
// 4.1.2.1), and why; empty for none.
func refusal(query url.Values) (code, why string) {
	switch {
	case query.Get("response_type") != "code":
		return "unsupported_response_type", "response_type: want code"
	case query.Get("code_challenge") == "" || query.Get("code_challenge_method") != "S256":
		return "invalid_request", "PKCE: want code_challenge, and code_challenge_method=S256"
	default:
		return "", ""
	}
}

// back sends the browser to the client with an answer.
func back(w http.ResponseWriter, r *http.Request, redirect string, answer url.Values) {
	target, err := url.Parse(redirect)
	must(err) // loopback has parsed it
	query := target.Query()
	for name, values := range answer {
		query[name] = values
	}
	if state := r.URL.Query().Get("state"); state != "" {
		query.Set("state", state)
	}
	target.RawQuery = query.Encode()
	http.Redirect(w, r, target.String(), http.StatusFound)
}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in</title>
<h1>Log in</h1>
<p>The application <code>{{.Client}}</code> wants an access token
{{- if .Audience}} for <code>{{.Audience}}</code>{{else}} for no API: its audience will be empty{{end}}
{{- if .Scopes}}, with the scopes <code>{{.Scopes}}</code>{{end}}.</p>
<p>This issuer is for development. Anybody may log in as anybody.</p>
<form method="post">
<p><label>User ID <input name="user" value="{{.User}}"></label></p>
<p><label>Organization code, or the word none <input name="org" value="{{.Org}}"></label></p>
<p><label>Permissions, separated by spaces <input name="permissions" value="{{.Permissions}}"></label></p>
<p><button>Log in</button></p>
</form>
`))

func (i *Issuer) showLogin(w http.ResponseWriter, l *login) {
	c := i.UserClaims()
	setOrg(c, l.user.Org)
	org, _ := c["org_code"].(string)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = loginPage.Execute(w, map[string]string{ // the browser has gone: nothing to tell it
		"Client": l.client, "Audience": strings.Join(i.audienceOf(l), " "), "Scopes": strings.Join(l.scopes, " "),
		"User": UserID, "Org": org, "Permissions": strings.Join(c["permissions"].([]string), " "),
	})
}
