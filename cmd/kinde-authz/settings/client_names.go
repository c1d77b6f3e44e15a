package settings

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

const clientNamesFlag = "KINDE_AUTHZ_TLS_CLIENT_NAMES (--tls-client-names)"

// addClientNames takes the names of clients from the file, or from flag or environment.
func (f *Flags) addClientNames(s *Settings) (err error) {
	refuse := func(err error) error { return kinde.ConfigErrorAt(err, "tls", "client_names") }
	s.ClientNames = values[string](s.file.TLS.ClientNames)
	if f.TLSClientNames != nil {
		refuse = func(err error) error { return fmt.Errorf("%s: %w", clientNamesFlag, err) }
		if s.ClientNames, err = list(clientNamesFlag, f.TLSClientNames, "envoy.example.com,spiffe://example.com/envoy"); err != nil {
			return err
		}
	}
	if s.ClientNames != nil && s.TLS.ClientCA == "" {
		return refuse(errors.New("it needs KINDE_AUTHZ_TLS_CLIENT_CA (--tls-client-ca, tls.client_ca): " +
			"without an authority no client shows a certificate"))
	}
	for _, name := range s.ClientNames {
		if err := checkClientName(name); err != nil {
			return refuse(fmt.Errorf("%q: %w", name, err))
		}
	}
	return nil
}

// dnsName is a name as certificates have it (RFC 5280, section 4.2.1.6), underscores
// allowed.
var dnsName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// checkClientName refuses a name that no certificate can be found to have: it would
// lock out the client that it is meant to let in.
func checkClientName(name string) error {
	const form = "want a DNS name or a URI, as it stands in the certificate, like envoy.example.com or spiffe://example.com/envoy"
	if strings.Contains(name, "*") {
		return errors.New("names are compared whole, without wildcards: list each client")
	}
	if strings.Contains(name, "://") {
		if uri, err := url.Parse(name); err != nil || uri.Scheme == "" || uri.Host == "" || uri.String() != name {
			return errors.New(form)
		}
		return nil
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return errors.New("IP addresses of certificates are not looked at: " + form)
	}
	if !dnsName.MatchString(name) {
		return errors.New(form)
	}
	return nil
}
