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
	anyAudience, anyOrg := s.OpenIssuers()
	if anyAudience != nil {
		log.Warn("no audience is configured: tokens for any API of this Kinde business pass",
			zap.String("setting", "KINDE_AUDIENCE, issuers.audience"), zap.Strings("issuers", anyAudience))
	}
	if anyOrg != nil {
		log.Warn("no allowlist of organizations is configured: tokens of any organization, and of none, pass",
			zap.String("setting", "KINDE_ALLOWED_ORGS, issuers.allowed_orgs"), zap.Strings("issuers", anyOrg))
	}
	if s.Pprof {
		log.Warn("profiles are served on the admin port: whoever reaches it can read them and take processor time",
			zap.String("setting", "KINDE_AUTHZ_PPROF, pprof"), zap.String("path", "/debug/pprof/"))
	}
	if s.Verifier.InsecureHTTP {
		log.Warn("http:// issuers are allowed: anyone on the network path can replace the keys",
			zap.String("setting", "KINDE_AUTHZ_INSECURE_HTTP"))
	}
}
