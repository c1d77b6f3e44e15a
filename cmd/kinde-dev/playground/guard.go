package playground

import (
	"embed"
	"mime"
	"net/http"
	"path"
)

//go:embed page
var page embed.FS

// headers let the page load and ask nothing but this server, and no other page frame or
// read it.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
	"Cache-Control":                "no-store",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
}

// guard refuses what another page on the web could have sent through the developer's
// browser: by a name of its own that leads here (DNS rebinding), or from its own origin.
func guard(port string, next http.Handler) http.Handler {
	hosts := map[string]bool{"localhost:" + port: true, "127.0.0.1:" + port: true}
	var origins http.CrossOriginProtection
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
		switch {
		case !hosts[r.Host]:
			http.Error(w, "ask for localhost:"+port, http.StatusMisdirectedRequest)
		case origins.Check(r) != nil || foreign(r):
			http.Error(w, "another page asks", http.StatusForbidden)
		case r.Method == http.MethodPost && kind != "application/json":
			http.Error(w, "want application/json", http.StatusUnsupportedMediaType)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// foreign reports whether another page asks for more than to be left for this one.
//
// https://www.w3.org/TR/fetch-metadata/
func foreign(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return false
	default:
		return r.URL.Path != "/" || r.Header.Get("Sec-Fetch-Mode") != "navigate"
	}
}

// servePage serves a file of the page.
func servePage(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	content, err := page.ReadFile("page/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	_, _ = w.Write(content) // the browser has gone: nothing to tell it
}
