package extauthz_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/authz/extauthz/envoytest"
	"github.com/kinde-authz/kinde-authz/kinde"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func TestAttackPublicRoutesCarryNoIdentity(t *testing.T) {
	client, issuer := routed(t)
	t.Run("O6 no identity on a public route, whatever was sent", func(t *testing.T) {
		forged := envoytest.Get("/public/x").With("x-kinde-user-id", "admin").With("x_kinde_foo", "1")
		for _, request := range []request{
			forged, forged.Bearer(issuer.Token(issuer.UserClaims())), forged.With("authorization", "Basic x, Bearer y"),
		} {
			response := answers(t, client, request, authz.Public)
			if got := response.GetOkResponse().GetHeaders(); len(got) > 0 {
				t.Errorf("identity is sent: %v", got)
			}
			removed := response.GetOkResponse().GetHeadersToRemove()
			for _, name := range []string{"x-kinde-user-id", "x_kinde_foo", "x-kinde-actor", "x-kinde-org-code"} {
				if !slices.Contains(removed, name) {
					t.Errorf("%s is not removed", name)
				}
			}
			fields := response.GetDynamicMetadata().GetFields()
			if fields["decision"].GetStringValue() != "allow" || fields["policy"] != nil || fields["actor"] != nil ||
				fields["user_id"] != nil {
				t.Errorf("metadata: %v", fields)
			}
		}
	})
	t.Run("O4 a Connection header that names identity, on a public route", func(t *testing.T) {
		answers(t, client,
			envoytest.Get("/public").With("connection", "close, x-kinde-actor"),
			authz.BadRequest)
	})
}

func TestAttackPoliciesWantExactlyWhatTheySay(t *testing.T) {
	client, issuer := routed(t)
	user, machine := issuer.UserClaims(), issuer.MachineClaims()
	flags := func(flags map[string]any) kindetest.Claims { return user.With("feature_flags", flags) }
	set := func(kind string, value any) map[string]any { return map[string]any{"t": kind, "v": value} }
	good := map[string]any{"agent-v2": set("b", true), "theme": set("s", "pink"), "seats": set("i", 5)}
	but := func(name string, value any) map[string]any { c := maps.Clone(good); c[name] = value; return c }
	for name, row := range map[string]struct {
		path   string
		claims kindetest.Claims
		want   authz.Reason
	}{
		"Q3 a user where only users may pass":    {"/users", user, ""},
		"Q3 a machine where only users may pass": {"/users", machine, authz.ActorNotAllowed},
		"Q3 a user where only machines may pass": {"/machines", user, authz.ActorNotAllowed},
		"Q6 a machine with all scopes":           {"/machines", machine, ""},
		"Q4 a machine without an organization":   {"/machines", machine.Without("org_code"), ""},
		"Q5 a machine of an organization that is not listed": {
			"/machines", machine.With("org_code", "org_x"), authz.OrgNotAllowed,
		},
		"Q6 a machine without one of two scopes": {"/machines", machine.With("scope", "jobs:run"), authz.InsufficientScope},
		"Q6 a scope that only begins the same": {
			"/machines", machine.With("scope", "jobs:run agents:read_all"), authz.InsufficientScope,
		},
		"Q6 a scope that only ends the same": {
			"/machines", machine.With("scope", "jobs:run xagents:read"), authz.InsufficientScope,
		},
		"Q5 an organization of both lists":              {"/acme", user, ""},
		"Q5 an organization of the issuer's list alone": {"/acme", user.With("org_code", "org_ab"), authz.OrgNotAllowed},
		"Q5 an organization of the policy's list alone": {
			"/other", user.With("org_code", "org_other"), authz.OrgNotAllowed,
		},
		"Q5 no organization":                                 {"/acme", user.Without("org_code"), authz.OrgMissing},
		"Q7 the token's organization in the path":            {"/orgs/" + kindetest.Org + "/x", user, ""},
		"Q7 the token's organization at the end of the path": {"/orgs/" + kindetest.Org, user, ""},
		"Q7 the token's organization and a slash":            {"/orgs/" + kindetest.Org + "/", user, ""},
		"Q7 another organization in the path":                {"/orgs/org_ab/x", user, authz.OrgMismatch},
		"Q7 a longer organization in the path":               {"/orgs/" + kindetest.Org + "x/x", user, authz.OrgMismatch},
		"Q7 a shorter organization in the path":              {"/orgs/org_acm/x", user, authz.OrgMismatch},
		"Q7 the organization in another case":                {"/orgs/ORG_ACME/x", user, authz.OrgMismatch},
		"Q7 dot segments behind the organization":            {"/orgs/" + kindetest.Org + "/../org_ab", user, authz.BadPath},
		"Q7 an escaped slash behind the organization": {
			"/orgs/" + kindetest.Org + "%2forg_ab", user, authz.BadPath,
		},
		"Q7 an escaped underscore in the organization": {"/orgs/org%5Facme", user, authz.BadPath},
		"Q7 an escaped space behind the organization": {
			"/orgs/" + kindetest.Org + "%20", user, authz.OrgMismatch,
		},
		"Q11 a path without the organization, which no route matches": {"/orgs", user, ""},
		"Q7 a token without an organization": {
			"/teams/" + kindetest.Org, user.Without("org_code"), authz.OrgMismatch,
		},
		"Q7 the token's organization, where tokens need none": {"/teams/" + kindetest.Org, user, ""},
		"Q7 another organization, where tokens need none":     {"/teams/org_ab", user, authz.OrgMismatch},
		"L7 a property instead, where a policy lists organizations": {
			"/acme",
			user.Without("org_code").With("application_properties", map[string]any{"org_code": set("s", kindetest.Org)}),
			authz.OrgMissing,
		},
		"Q8 all permissions":       {"/run", user, ""},
		"Q8 one permission of two": {"/run", user.With("permissions", []string{"agents:run"}), authz.MissingPermission},
		"Q8 no permissions":        {"/run", user.Without("permissions"), authz.MissingPermission},
		"Q8 both permissions in one text": {
			"/run", user.With("permissions", []string{"agents:read,agents:run"}), authz.MissingPermission,
		},
		"Q8 a permission in another case": {
			"/run", user.With("permissions", []string{"Agents:read", "agents:run"}), authz.MissingPermission,
		},
		"Q8 the permissions in Hasura's claim": {
			"/run",
			user.Without("permissions").With("x-hasura-permissions", []string{"agents:read", "agents:run"}),
			authz.MissingPermission,
		},
		"Q9 the role":             {"/admin", user, ""},
		"Q9 the role as a string": {"/admin", user.With("roles", []string{"admin"}), ""},
		"Q9 the role's name and ID, but not its key": {
			"/admin",
			user.With("roles", []any{map[string]any{"key": "x", "name": "admin", "id": "admin"}}),
			authz.MissingRole,
		},
		"Q9 one role of two":         {"/owner", user, authz.MissingRole},
		"Q9 no roles":                {"/admin", user.Without("roles"), authz.MissingRole},
		"Q10 the flags as wanted":    {"/flags", flags(good), ""},
		"Q10 a flag that is off":     {"/flags", flags(but("agent-v2", set("b", false))), authz.FeatureDisabled},
		"Q10 a flag of another type": {"/flags", flags(but("agent-v2", set("s", "true"))), authz.FeatureDisabled},
		"Q10 a flag of another type than it says": {
			"/flags", flags(but("agent-v2", set("b", "true"))), authz.FeatureDisabled,
		},
		"Q10 a flag with another text":         {"/flags", flags(but("theme", set("s", "Pink"))), authz.FeatureDisabled},
		"Q10 a flag with another number":       {"/flags", flags(but("seats", set("i", 6))), authz.FeatureDisabled},
		"Q10 a number as a text":               {"/flags", flags(but("seats", set("i", "5"))), authz.FeatureDisabled},
		"Q10 no flag by that name":             {"/flags", flags(map[string]any{}), authz.FeatureDisabled},
		"Q10 no flags":                         {"/flags", user.Without("feature_flags"), authz.FeatureDisabled},
		"Q10 a boolean where a text is wanted": {"/text", user, authz.FeatureDisabled},
		"Q10 the flags of a machine":           {"/flags", machine.With("feature_flags", good), authz.FeatureDisabled},
		"N4 feature_flags is a list":           {"/users", user.With("feature_flags", []any{}), kinde.InvalidClaims},
		"Q11 no route matches":                 {"/elsewhere", user, ""},
		"Q11 no route matches, an organization that is not listed": {
			"/elsewhere", user.With("org_code", "org_x"), authz.OrgNotAllowed,
		},
		"Q16 the wrong actor, without scopes and permissions": {
			"/machines", user.Without("permissions", "scp"), authz.ActorNotAllowed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			answers(t, client, envoytest.Get(row.path).Bearer(issuer.Token(row.claims)), row.want)
		})
	}
}

func TestAttackUnknownPoliciesOfEnvoyDeny(t *testing.T) {
	client, issuer := routed(t)
	token := issuer.Token(issuer.UserClaims())
	for name, row := range map[string]struct {
		path   string
		policy map[string]string
		want   authz.Reason
		chosen string
	}{
		"Q13 no policy is named": {"/users", nil, "", "users"},
		"Q13 another policy than the route's": {
			"/users", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines",
		},
		"Q13 a looser policy than the route's": {"/owner", map[string]string{"policy": "users"}, "", "users"},
		"Q13 the default policy":               {"/owner", map[string]string{"policy": "default"}, "", "default"},
		"Q13 a policy on a public route": {
			"/public/x", map[string]string{"policy": "machines"}, authz.ActorNotAllowed, "machines",
		},
		"Q13 a policy, and another organization in the path": {
			"/orgs/org_ab/x", map[string]string{"policy": "users"}, authz.OrgMismatch, "users",
		},
		"Q14 an unknown policy":                   {"/users", map[string]string{"policy": "nobody"}, authz.UnknownPolicy, ""},
		"Q14 an empty name":                       {"/users", map[string]string{"policy": ""}, authz.UnknownPolicy, ""},
		"Q14 the name in another case":            {"/users", map[string]string{"policy": "Users"}, authz.UnknownPolicy, ""},
		"Q14 the key in another case":             {"/users", map[string]string{"Policy": "users"}, authz.UnknownPolicy, ""},
		"Q14 a misspelled key, on a public route": {"/public", map[string]string{"polciy": "users"}, authz.UnknownPolicy, ""},
		"Q14 another key beside it": {
			"/users",
			map[string]string{"policy": "users", "tenant": "a"},
			authz.UnknownPolicy,
			"",
		},
		"Q14 an unknown policy and another key, on a public route": {
			"/public",
			map[string]string{"policy": "nobody", "tenant": "a"},
			authz.UnknownPolicy,
			"",
		},
		"Q16 a bad path and an unknown policy": {"/a//b", map[string]string{"policy": "nobody"}, authz.BadPath, ""},
	} {
		t.Run(name, func(t *testing.T) {
			request := envoytest.Get(row.path).Bearer(token)
			request.Extensions = row.policy
			response := answers(t, client, request, row.want)
			if got := response.GetDynamicMetadata().GetFields()["policy"].GetStringValue(); got != row.chosen {
				t.Errorf("policy %q, want %q", got, row.chosen)
			}
		})
	}
}
