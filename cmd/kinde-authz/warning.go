package main

import (
	"fmt"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// warningAt is what is valid and dangerous at a place of the file, as file:line.
type warningAt struct{ place, text string }

// warnings returns what is valid and dangerous in the file.
func (c *flags) warnings(s *settings, f *file) (all []warningAt) {
	for _, w := range authz.Warnings(s.policy) {
		all = append(all, warningAt{fmt.Sprintf("%s:%d", c.Config, lineOf(f, w)), w.Text})
	}
	return all
}

func lineOf(f *file, w authz.Warning) int {
	if w.Route >= 0 {
		return f.Routes[w.Route].node.Line
	}
	_, policies := entry(f.root, "policies")
	name, _ := entry(policies, w.Policy)
	return name.Line
}

// summary counts what is configured and says what a path gets that no route
// matches.
func (s *settings) summary() string {
	return fmt.Sprintf("%s, %s, %s; %s", counted(len(s.policy.Issuers), "issuer", "issuers"),
		counted(len(s.policy.Policies), "policy", "policies"), counted(len(s.policy.Routes), "route", "routes"), s.unmatched())
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (s *settings) unmatched() string {
	_, defined := s.policy.Policies["default"]
	switch routed := len(s.policy.Routes) > 0; {
	case routed && defined:
		return "other paths: policy default"
	case routed:
		return "other paths: denied"
	case defined:
		return "all paths: policy default"
	default:
		return "all paths: any valid token"
	}
}

// warn logs what the settings come to and what is dangerous in them: when the
// program starts and when it has read them again.
func warn(s *settings, log *zap.Logger) {
	log.Info("settings: " + s.summary())
	for _, w := range s.warnings {
		log.Warn(w.text, zap.String("place", w.place))
	}
	without := func(is func(kinde.Issuer) bool) (domains []string) {
		for _, issuer := range s.verifier.Issuers {
			if is(issuer) {
				domains = append(domains, issuer.Domain)
			}
		}
		return domains
	}
	if open := without(func(i kinde.Issuer) bool { return i.Audience == nil }); open != nil {
		log.Warn("no audience is configured: tokens for any API of this Kinde business pass",
			zap.String("setting", "KINDE_AUDIENCE, issuers.audience"), zap.Strings("issuers", open))
	}
	if open := without(func(i kinde.Issuer) bool { return s.policy.Issuers[i.Domain].AllowedOrgs == nil }); open != nil {
		log.Warn("no allowlist of organizations is configured: tokens of any organization, and of none, pass",
			zap.String("setting", "KINDE_ALLOWED_ORGS, issuers.allowed_orgs"), zap.Strings("issuers", open))
	}
	if s.verifier.InsecureHTTP {
		log.Warn("http:// issuers are allowed: anyone on the network path can replace the keys",
			zap.String("setting", "KINDE_AUTHZ_INSECURE_HTTP"))
	}
}
