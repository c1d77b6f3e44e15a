package authz

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	for wrong, paths := range map[string][]string{
		"": {
			"/", "/a", "/a/", "/a/*", "/a/**", "/**", "/*", "/{a}/{b-c}/{_d1}", "/{org_code}/x", "/caf%C3%A9", "/%2A",
			"/.well-known/x",
		},
		"start with a slash": {"", "a", "*", "http://a/b"},
		"only at the end":    {"/**/a", "/**/**"},
		"want a path": {
			"/a*", "/*a", "/***", "/a/**b", "/{}", "/{a", "/a}", "/{a}b", "/{a b}", "/{é}", "/{*}",
		},
		"twice": {"/{org_code}/{org_code}"},
		"canonical": {
			"//", "/a//b", "/./a", "/../a", "/a;b", "/a#b", "/a?b", "/é", "/%41", "/%2f", "/a\\b", "/%",
		},
	} {
		for _, path := range paths {
			_, err := parsePattern(path)
			if (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
				t.Errorf("%q: got %v, want %q", path, err, wrong)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	for method, good := range map[string]bool{
		"GET": true, "M-SEARCH": true, "get": false, "": false, "GE T": false, "*": false, "Get": false,
		"GET,POST": false,
	} {
		if err := checkMethod(method); (err == nil) != good {
			t.Errorf("%q: %v", method, err)
		}
	}
}

func table(t testing.TB, list ...Route) *routes {
	t.Helper()
	policies, _, err := compilePolicies(map[string]Policy{"p": {}})
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := compileRoutes(list, policies)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func TestFirstRouteWins(t *testing.T) {
	routes := table(t,
		Route{Path: "/a/{x}/c"}, Route{Path: "/a/b/*"}, Route{Path: "/a/b/c", Methods: []string{"GET"}},
		Route{Path: "/a/**", Methods: []string{"POST"}},
		Route{Path: "/d%40e"}, Route{Path: "/%2A"}, Route{Path: "/"}, Route{Path: "/a"},
		Route{Path: "/x/**", Methods: []string{"GET"}}, Route{Path: "/x"},
	)
	for want, targets := range map[string][]string{
		"/a/{x}/c": {"GET /a/b/c", "GET /a/z/c", "HEAD /a/b/c"},
		"/a/b/*":   {"GET /a/b/d", "POST /a/b/d"},
		"/a/**":    {"POST /a/z/d", "POST /a", "POST /a/b/c/d/e"},
		"/a":       {"GET /a", "GET /a/"},
		"/d%40e":   {"GET /d@e", "GET /d%40e"},
		"/%2A":     {"GET /*", "GET /%2a"},
		"/":        {"GET /"},
		"/x/**":    {"GET /x", "GET /x/", "HEAD /x"},
		"/x":       {"POST /x"},
		"bad_path": {"GET /A/b/c"},
		"":         {"GET /a/z/d", "GET /z", "HEAD /a/z/d", "GET /a/b", "GET /a%20/b"},
	} {
		for _, target := range targets {
			if got := matched(t, routes, target); got != want {
				t.Errorf("%s: got %q, want %q", target, got, want)
			}
		}
	}
}

// matched is the path of the route that a target such as GET /a matches.
func matched(t *testing.T, routes *routes, target string) string {
	t.Helper()
	method, path, _ := strings.Cut(target, " ")
	canonical, ok := canonicalPath(path)
	if !ok {
		t.Fatalf("%s is not canonical", path)
	}
	r, ok := routes.match(canonical, &Request{Method: method})
	switch {
	case !ok:
		return "bad_path"
	case r == nil:
		return ""
	}
	return r.path
}

// plainMatch looks at one route after the other.
func plainMatch(list *routes, path string, request *Request) (matched *route, ok bool) {
	equal := func(a, b string) bool { return a == b }
	exact := plainFirst(list, path, request, equal)
	if plainFirst(list, path, request, strings.EqualFold) != exact {
		return nil, false
	}
	return exact, true
}

// plainFirst returns the first route that matches where literals are compared so.
func plainFirst(list *routes, path string, request *Request, equal func(a, b string) bool) *route {
	for _, r := range list.all {
		segments := strings.Split(path, "/")
		if path == "" {
			segments = nil
		}
		p := r.pattern
		matches := len(segments) == len(p.segments) || p.rest && len(segments) > len(p.segments)
		for i := 0; matches && i < len(p.segments); i++ {
			matches = p.segments[i] == anySegment || equal(p.segments[i], decoded(segments[i]))
		}
		if matches && r.takes(request) {
			return r
		}
	}
	return nil
}

func TestTreeMatchesAsOneRouteAfterTheOther(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(words ...string) string { return words[random.IntN(len(words))] }
	somePath := func(words ...string) string {
		path := ""
		for range random.IntN(5) {
			path += "/" + pick(words...)
		}
		return path
	}
	for range 500 {
		var list []Route
		for range 1 + random.IntN(12) {
			r := Route{Path: somePath("a", "b", "k", "B", "*", "{x}", "%40") + pick("/**", "/", "/a"), Policy: "p"}
			if random.IntN(2) == 0 {
				r.Methods = []string{pick("GET", "POST")}
			}
			list = append(list, r)
		}
		routes := table(t, list...)
		covered := map[*route]bool{}
		for number, r := range routes.all {
			_, covered[r] = routes.coveredBy(number)
		}
		for range 50 {
			path := strings.TrimPrefix(somePath("a", "b", "A", "K", "%E2%84%AA", "@", "%40", "c"), "/")
			request := &Request{Method: pick("GET", "POST", "PUT", "HEAD")}
			got, ok := routes.match(path, request)
			want, wantOK := plainMatch(routes, path, request)
			if got != want || ok != wantOK {
				t.Fatalf("%s %q among %+v: got %+v %t, want %+v %t", request.Method, path, list, got, ok, want, wantOK)
			}
			if covered[got] {
				t.Fatalf("%s %q among %+v matches a route said to be covered: %+v", request.Method, path, list, got)
			}
		}
	}
}

func TestRoutesThatAreRefused(t *testing.T) {
	policies, _, err := compilePolicies(map[string]Policy{"p": {}})
	if err != nil {
		t.Fatal(err)
	}
	for wrong, r := range map[string]Route{
		"policy: no policy is named \"nobody\"":                {Path: "/a", Policy: "nobody"},
		"policy: no policy is named \"default\"":               {Path: "/a", Policy: "default"},
		"policy: a public route takes no policy":               {Path: "/a", Policy: "p", Public: true},
		"policy: a route that denies takes no policy":          {Path: "/a", Policy: "p", Deny: true},
		"deny: a route is public or denies, not both":          {Path: "/a", Public: true, Deny: true},
		"path: a public route has no token to compare":         {Path: "/{org_code}", Public: true},
		"methods: the list is empty":                           {Path: "/a", Methods: []string{}},
		"methods.1: \"get\": want a method in upper case":      {Path: "/a", Methods: []string{"GET", "get"}},
		"path: \"a\" does not start with a slash: want a path": {Path: "a"},
	} {
		_, err := compileRoutes([]Route{{Path: "/"}, r}, policies)
		if err == nil || !strings.HasPrefix(err.Error(), "routes.1."+wrong) {
			t.Errorf("%+v: %v, want %q", r, err, wrong)
		}
	}
}

// No path is both canonical and readable in another way.
func FuzzPath(f *testing.F) {
	for _, path := range []string{
		"/", "/a/b/", "/a?b#c", "/%C3%A9", "/a//b", "/..", "/%2e", "/a;b", "/orgs/org_a/x", "/\x7f", "*",
	} {
		f.Add(path)
	}
	routes := table(f, Route{Path: "/public/**", Public: true}, Route{Path: "/orgs/{org_code}/**"}, Route{Path: "/*/a"})
	f.Fuzz(func(t *testing.T, target string) {
		path, ok := canonicalPath(target)
		if !ok {
			return
		}
		if strings.ContainsAny(path, "\\;#?\x00\x7f") || strings.Contains("/"+path+"/", "//") && path != "" ||
			strings.Contains("/"+path+"/", "/../") || strings.Contains("/"+path+"/", "/./") {
			t.Fatalf("%q is taken for canonical", target)
		}
		for segment := range strings.SplitSeq(path, "/") {
			if text := decoded(segment); strings.ContainsAny(text, "/\\") || text == "." || text == ".." ||
				strings.ToValidUTF8(text, "") != text {
				t.Fatalf("%q decodes to %q", target, text)
			}
		}
		if again, ok := canonicalPath("/" + path); !ok || again != path {
			t.Fatalf("%q becomes %q becomes %q", target, path, again)
		}
		request := &Request{Method: "GET"}
		got, ok := routes.match(path, request)
		if want, wantOK := plainMatch(routes, path, request); got != want || ok != wantOK {
			t.Fatalf("%q: got %v %t, want %v %t", target, got, ok, want, wantOK)
		}
	})
}

func BenchmarkRoutes(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		var list []Route
		for i := range n {
			path := fmt.Sprintf("/api/v%d/{tenant}/agents/%d/**", i%7, i)
			list = append(list, Route{Path: path, Methods: []string{"GET", "POST"}, Policy: "p"})
		}
		routes := table(b, list...)
		request := &Request{Method: "POST", Path: fmt.Sprintf("/api/v%d/acme/agents/%d/generate?q=1", (n-1)%7, n-1)}
		b.Run(fmt.Sprintf("of=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				path, _ := canonicalPath(request.Path)
				if matched, ok := routes.match(path, request); !ok || matched == nil {
					b.Fatal("no match")
				}
			}
		})
	}
}
