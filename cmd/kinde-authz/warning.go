package main

import (
	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// warn logs what is dangerous in the settings: when the program starts and when it
// has read them again.
func warn(s *settings.Settings, log *zap.Logger) {
	for _, w := range s.Warnings() {
		log.Warn(w.Text, zap.String("place", w.Place))
	}
	for _, r := range risks(s) {
		fields := []zap.Field{zap.String("setting", r.setting)}
		if r.issuers != nil {
			fields = append(fields, zap.Strings("issuers", r.issuers))
		}
		log.Warn(r.text, fields...)
	}
}

// risk is a guard that is not set, or a door that is opened on purpose.
type risk struct {
	text, setting string
	issuers       []string // that it is about, nil for all
}

func risks(s *settings.Settings) (all []risk) {
	anyAudience, anyOrg := s.OpenIssuers()
	if anyAudience != nil {
		all = append(all, risk{"no audience is configured: tokens for any API of this Kinde business pass",
			"KINDE_AUDIENCE, issuers.audience", anyAudience})
	}
	if anyOrg != nil {
		all = append(all, risk{"no allowlist of organizations is configured: tokens of any organization, and of none, pass",
			"KINDE_ALLOWED_ORGS, issuers.allowed_orgs", anyOrg})
	}
	if s.Pprof {
		all = append(all, risk{"profiles are served on the admin port, at /debug/pprof/: whoever reaches it can read them and take " +
			"processor time", "KINDE_AUTHZ_PPROF, pprof", nil})
	}
	if s.Verifier.InsecureHTTP {
		all = append(all, risk{"http:// issuers are allowed: anyone on the network path can replace the keys",
			"KINDE_AUTHZ_INSECURE_HTTP, insecure_http", nil})
	}
	return all
}
