package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/authz"
	"github.com/kinde-authz/kinde-authz/kinde"
)

// checkIssuers takes the issuers of the file, or the one of the environment.
func (c *flags) checkIssuers(s *settings, f *file) error {
	if len(f.Issuers) == 0 {
		return c.checkIssuer(s)
	}
	if c.Domain != nil || c.Audience != nil || c.AllowedOrgs != nil {
		return errors.New("KINDE_DOMAIN, KINDE_AUDIENCE and KINDE_ALLOWED_ORGS cannot be set together with a file that lists issuers: set them in the file")
	}
	for _, i := range f.Issuers {
		if err := c.addIssuer(s, i); err != nil {
			return err
		}
	}
	return nil
}

// addIssuer takes an issuer of the file.
func (c *flags) addIssuer(s *settings, i located[issuerSettings]) error {
	if i.value.Domain.node == nil {
		return refuse(i.node, "each issuer needs a domain, like https://yourapp.kinde.com")
	}
	domain, err := kinde.ParseDomain(i.value.Domain.value, s.verifier.InsecureHTTP)
	if err != nil {
		return refuse(i.value.Domain.node, "domain: %v", err)
	}
	if _, twice := s.policy.Issuers[domain.String()]; twice {
		return refuse(i.value.Domain.node, "domain: the issuer %s is listed twice", domain)
	}
	rules := authz.Rules{}
	if rules.AllowedOrgs, err = c.each("allowed_orgs", i.value.AllowedOrgs, authz.CheckOrg); err != nil {
		return err
	}
	if rules.Actors, err = c.actors(i.value.Actors); err != nil {
		return err
	}
	s.add(kinde.Issuer{Domain: domain.String(), Audience: values(i.value.Audience), JWKSFile: i.value.JWKSFile.value}, rules)
	return nil
}

// checkIssuer takes the issuer that flags and the environment describe.
func (c *flags) checkIssuer(s *settings) error {
	if c.Domain == nil || *c.Domain == "" {
		return errors.New("KINDE_DOMAIN (--domain) is required: the issuer, like https://yourapp.kinde.com")
	}
	domain, err := kinde.ParseDomain(*c.Domain, s.verifier.InsecureHTTP)
	if err != nil {
		return fmt.Errorf("KINDE_DOMAIN (--domain): %w; KINDE_AUTHZ_INSECURE_HTTP=true allows http:// for local stacks", err)
	}
	audience, err := list("KINDE_AUDIENCE (--audience)", c.Audience, "https://api.yourapp.com")
	if err != nil {
		return err
	}
	orgs, err := list("KINDE_ALLOWED_ORGS (--allowed-orgs)", c.AllowedOrgs, "org_abc123,org_def456")
	if err != nil {
		return err
	}
	for _, org := range orgs {
		if err := authz.CheckOrg(org); err != nil {
			return fmt.Errorf("KINDE_ALLOWED_ORGS (--allowed-orgs): %w", err)
		}
	}
	s.add(kinde.Issuer{Domain: domain.String(), Audience: audience}, authz.Rules{AllowedOrgs: orgs})
	return nil
}

func (s *settings) add(issuer kinde.Issuer, rules authz.Rules) {
	s.verifier.Issuers = append(s.verifier.Issuers, issuer)
	s.policy.Issuers[issuer.Domain] = rules
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
