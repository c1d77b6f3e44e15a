package authz

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/kinde-authz/kinde-authz/kinde"
)

func valueOf(headers []Header, name string) string {
	for _, h := range headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func TestIdentityHeaders(t *testing.T) {
	token := &kinde.Token{
		Actor: kinde.User, Issuer: domain, Subject: "kp_ü %", ClientID: "a,b", ID: "j", Expires: time.Unix(1700000000, 0),
		Scopes: []string{"read:x", "a b", "c,d"}, Permissions: []string{"p:1", "p,admin", "50%"}, Roles: []string{"a\nb"},
	}
	want := []Header{
		{headerActor, "user"}, {headerUserID, "kp_%C3%BC%20%25"}, {headerClientID, "a,b"}, {headerTokenID, "j"},
		{headerTokenExpires, "1700000000"}, {headerIssuer, domain},
		{headerScopes, "read:x a%20b c%2Cd"}, {headerPermissions, "p:1,p%2Cadmin,50%25"}, {headerRoles, "a%0Ab"},
	}
	if diff := cmp.Diff(want, standard(t).of(token, maxHeaderBytes)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestListsThatAreTooLongAreLeftOutWhole(t *testing.T) {
	many := func(n int) []string {
		list := make([]string, n)
		for i := range list {
			list[i] = fmt.Sprintf("%08d", i)
		}
		return list
	}
	for name, test := range map[string]struct {
		permissions, roles, scopes int
		omitted                    string
	}{
		"none":         {300, 300, 200, ""},
		"the longest":  {800, 200, 100, "x-kinde-permissions"},
		"two":          {800, 900, 100, "x-kinde-roles,x-kinde-permissions"},
		"every one":    {1000, 1200, 1100, "x-kinde-roles,x-kinde-scopes,x-kinde-permissions"},
		"one is a lot": {0, 0, 5000, "x-kinde-scopes"},
		"equal ones":   {500, 500, 100, "x-kinde-roles"},
	} {
		t.Run(name, func(t *testing.T) {
			token := &kinde.Token{
				Actor: kinde.User, Issuer: domain, Subject: "u",
				Permissions: many(test.permissions), Roles: many(test.roles), Scopes: many(test.scopes),
			}
			headers := standard(t).of(token, maxHeaderBytes)
			if got := valueOf(headers, headerOmitted); got != test.omitted {
				t.Errorf("omitted %q, want %q", got, test.omitted)
			}
			if got := size(headers); got >= maxHeaderBytes {
				t.Errorf("%d bytes of headers", got)
			}
			for _, name := range strings.Split(test.omitted, ",") {
				if name != "" && valueOf(headers, name) != "" {
					t.Errorf("%s is there", name)
				}
			}
		})
	}
}

// What was asked for beside the identity goes first, however short.
func TestClaimHeadersGoBeforeLists(t *testing.T) {
	names := map[string]string{"x-kinde-a": "a", "x-kinde-b": "b", "x-kinde-c": "c"}
	h, err := compileHeaders(names, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := newLab(t)
	long := func(n int) string { return strings.Repeat("r", n) }
	for name, test := range map[string]struct {
		roles         int
		a, b, c, want string
	}{
		"all fit":                       {4000, "1", "2", "3", ""},
		"one claim goes":                {6000, long(700), long(800), long(600), "x-kinde-b"},
		"two of equal length, the last": {6000, long(800), long(800), long(600), "x-kinde-b"},
		"all claims go, roles stay":     {7700, long(500), long(400), long(300), "x-kinde-a,x-kinde-b,x-kinde-c"},
		"then roles":                    {8100, long(500), "1", "2", "x-kinde-a,x-kinde-c,x-kinde-b,x-kinde-roles"},
	} {
		t.Run(name, func(t *testing.T) {
			claims := l.UserClaims().Without("permissions", "scp").With("roles", []string{long(test.roles)}).
				With("a", test.a).With("b", test.b).With("c", test.c)
			verdict := l.verifier.Judge(t.Context(), l.Token(claims))
			if verdict.Err != nil {
				t.Fatal(verdict.Err)
			}
			set := h.of(verdict.Token, maxHeaderBytes)
			if got := valueOf(set, headerOmitted); got != test.want || size(set) >= maxHeaderBytes {
				t.Errorf("omitted %q, want %q; %d bytes", got, test.want, size(set))
			}
		})
	}
}

func TestHeadersBarelyFit(t *testing.T) {
	token := &kinde.Token{Actor: kinde.User, Issuer: domain, Subject: "u"}
	room := maxHeaderBytes - 1 - size(standard(t).of(token, maxHeaderBytes)) - len(headerScopes)
	token.Scopes = []string{strings.Repeat("s", room)}
	if got := size(standard(t).of(token, maxHeaderBytes)); got != maxHeaderBytes-1 {
		t.Errorf("%d bytes, want %d", got, maxHeaderBytes-1)
	}
	token.Scopes[0] += "s"
	if got := valueOf(standard(t).of(token, maxHeaderBytes), headerOmitted); got != headerScopes {
		t.Errorf("one byte more omits %q", got)
	}
}

func TestHeadersToRemove(t *testing.T) {
	request := &Request{}
	for _, name := range []string{
		"X-Kinde-Actor", "x_kinde_user_id", "x-kinde-foo", "x-kinde-foo", "x-kinde", "x-other", "X-Kinde_Org-Code",
		"X-Kinde-Org-Code",
	} {
		request.AddHeader(name, "forged")
	}
	set := []Header{{headerActor, "user"}, {headerUserID, "u"}}
	h := standard(t)
	headers := h.block(set, false)
	removed := &Decision{headers: headers, extra: h.extra(request, &headers)}
	_, got := removed.Headers()
	want := []string{"X-Kinde_Org-Code", "X-Kinde-Org-Code", "x-kinde-foo", "x_kinde_user_id"}
	for _, name := range ownHeaders {
		if name != headerActor && name != headerUserID {
			want = append(want, name)
		}
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// standard is what there is without settings.
func standard(t *testing.T) *headers {
	t.Helper()
	h, err := compileHeaders(nil, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Attack O11: a setting may not send a claim in just any header.
func TestClaimHeaderNames(t *testing.T) {
	accepts := func(name, claim string) bool {
		_, err := compileHeaders(map[string]string{name: claim}, false, nil)
		return err == nil
	}
	for _, name := range []string{"x-kinde-email", "x-kinde-a1-b", "x-kinde-user"} {
		if !accepts(name, "email") {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{
		"x-kinde-", "x-kinde", "X-Kinde-Email", "x-kinde-Email", "x-kinde-a_b", "x-kinde-a b", "x-kinde--a", "x-kinde-a-",
		"x-kinde-é", "x_kinde-a", "x-kinde-a\r\nx", "", "host", ":authority", "x-forwarded-for", "x-envoy-retry-on",
		headerActor, headerUserID, headerIssuer, headerOmitted, headerTokenExpires,
	} {
		if accepts(name, "email") {
			t.Errorf("%q is accepted", name)
		}
	}
	if accepts("x-kinde-email", "") {
		t.Error("a header without a claim is accepted")
	}
}

// Nothing but lists and claims is ever left out: single values have room, however
// long and however many of their bytes are encoded.
func TestSingleValuesFit(t *testing.T) {
	const longestID, longestOrg, longestHost = 512, 128, 253 // kinde refuses longer ones
	encodedTwice := func(n int) string { return strings.Repeat("\u00fc", n/2) }
	token := &kinde.Token{
		Issuer: "https://" + strings.Repeat("a", longestHost), Actor: kinde.User, Expires: time.Unix(1<<40, 0),
		Subject: encodedTwice(longestID), ClientID: encodedTwice(longestID), ID: encodedTwice(longestID),
		OrgCode: strings.Repeat("o", longestOrg), Roles: []string{"admin"},
	}
	headers := standard(t).of(token, maxHeaderBytes)
	for _, h := range headers {
		if h.Name == headerOmitted {
			t.Errorf("%s: %s", h.Name, h.Value)
		}
	}
	if n := size(headers); n < 3*3*longestID || n >= maxHeaderBytes {
		t.Errorf("%d bytes", n)
	}
}
