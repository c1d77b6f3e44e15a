package settings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// The names of the settings that describe an issuer without a file.
const (
	domainFlag   = "KINDE_DOMAIN (--domain)"
	audienceFlag = "KINDE_AUDIENCE (--audience)"
	orgsFlag     = "KINDE_ALLOWED_ORGS (--allowed-orgs)"
)

// addIssuers takes the issuers of the file, or the one of flags and environment.
func (f *Flags) addIssuers(s *Settings) error {
	if len(s.file.Issuers) == 0 {
		return f.addIssuer(s)
	}
	if f.Domain != nil || f.Audience != nil || f.AllowedOrgs != nil {
		return errors.New("KINDE_DOMAIN, KINDE_AUDIENCE and KINDE_ALLOWED_ORGS cannot be set together with a file that lists issuers: set them in the file")
	}
	for _, i := range s.file.Issuers {
		s.add(i.issuer())
	}
	return nil
}

func (f *Flags) addIssuer(s *Settings) error {
	switch {
	case f.Domain != nil && *f.Domain != "":
	case f.Config != "":
		return fmt.Errorf("%s lists no issuers, so %s is required: the issuer, like https://yourapp.kinde.com", f.Config, domainFlag)
	default:
		return errors.New(domainFlag + " is required: the issuer, like https://yourapp.kinde.com")
	}
	audience, err := list(audienceFlag, f.Audience, "https://api.yourapp.com")
	if err != nil {
		return err
	}
	orgs, err := list(orgsFlag, f.AllowedOrgs, "org_abc123,org_def456")
	if err != nil {
		return err
	}
	s.add(kinde.Issuer{Domain: strings.TrimRight(*f.Domain, "/"), Audience: audience}, authz.Rules{AllowedOrgs: orgs})
	return nil
}

func (s *Settings) add(issuer kinde.Issuer, rules authz.Rules) {
	s.Verifier.Issuers = append(s.Verifier.Issuers, issuer)
	s.Authorizer.Issuers[issuer.Domain] = rules
}

// list splits a comma-separated setting; nil means that it is not set.
func list(name string, setting *string, example string) ([]string, error) {
	if setting == nil {
		return nil, nil
	}
	items := strings.Split(*setting, ",")
	for i := range items {
		items[i] = strings.TrimSpace(items[i])
	}
	items = slices.DeleteFunc(items, func(item string) bool { return item == "" })
	if len(items) == 0 {
		return nil, fmt.Errorf("%s is set but empty: want a comma-separated list, like %s, or unset it to turn the check off", name, example)
	}
	return items, nil
}
