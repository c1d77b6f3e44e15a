package settings

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap/zapcore"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// MarshalLogObject implements [zapcore.ObjectMarshaler]: what is configured, for the
// line that a start or a reload logs. Lists of organizations are counted alone.
func (s *Settings) MarshalLogObject(line zapcore.ObjectEncoder) error {
	line.AddString("settings", s.Summary())
	if s.path != "" {
		line.AddString("config", s.path)
	}
	if err := line.AddArray("issuers", zapcore.ArrayMarshalerFunc(s.describeIssuers)); err != nil {
		return err
	}
	addNames(line, "policies", slices.Sorted(maps.Keys(s.Authorizer.Policies)))
	line.AddInt("routes", len(s.Authorizer.Routes))
	line.AddString("unmatched", s.Unmatched())
	if a := s.Authorizer.Assertion; a != nil {
		line.AddString("assertion_audience", a.Audience)
		addDuration(line, "assertion_lifetime_ms", a.Lifetime)
	}
	var resources []string
	for _, r := range s.Authorizer.Resources {
		resources = append(resources, r.Identifier)
	}
	addNames(line, "resources", resources)
	line.AddInt("token_cache_entries", s.Authorizer.CachedTokens)
	addDuration(line, "leeway_ms", s.Verifier.Leeway)
	addDuration(line, "jwks_refresh_ms", cmp.Or(s.Verifier.Refresh, kinde.DefaultRefresh))
	addDuration(line, "jwks_max_stale_ms", cmp.Or(s.Verifier.MaxStale, kinde.DefaultMaxStale))
	addDuration(line, "jwks_timeout_ms", cmp.Or(s.Verifier.Timeout, kinde.DefaultTimeout))
	addDuration(line, "drain_delay_ms", s.DrainDelay)
	line.AddString("tls", s.TLS.kind())
	line.AddString("log_level", s.LogLevel.String())
	line.AddFloat64("sample_allows", s.LoggedAllows)
	return nil
}

func (s *Settings) describeIssuers(list zapcore.ArrayEncoder) error {
	for _, issuer := range s.Verifier.Issuers {
		rules := s.Authorizer.Issuers[issuer.Domain]
		err := list.AppendObject(zapcore.ObjectMarshalerFunc(func(line zapcore.ObjectEncoder) error {
			line.AddString("domain", issuer.Domain)
			if issuer.Audience == nil {
				line.AddString("audience", "not checked")
			} else {
				addNames(line, "audience", issuer.Audience)
			}
			describeRules(line, rules)
			return nil
		}))
		if err != nil {
			return err
		}
	}
	return nil
}

func describeRules(line zapcore.ObjectEncoder, rules authz.Rules) {
	if rules.AllowedOrgs == nil {
		line.AddString("allowed_orgs", "any, or none")
	} else {
		line.AddInt("allowed_orgs", len(rules.AllowedOrgs))
	}
	if rules.Actors != nil {
		names := make([]string, len(rules.Actors))
		for i, actor := range rules.Actors {
			names[i] = string(actor)
		}
		addNames(line, "actors", names)
	}
}

// kind says what TLS there is.
func (t TLS) kind() string {
	switch {
	case t.Cert == "":
		return "off"
	case t.ClientCA == "":
		return "server"
	default:
		return "mutual"
	}
}

func addNames(line zapcore.ObjectEncoder, key string, names []string) {
	_ = line.AddArray(key, zapcore.ArrayMarshalerFunc(func(list zapcore.ArrayEncoder) error {
		for _, name := range names {
			list.AppendString(name)
		}
		return nil
	})) // strings have no error
}

func addDuration(line zapcore.ObjectEncoder, key string, d time.Duration) {
	line.AddInt64(key, d.Milliseconds())
}
