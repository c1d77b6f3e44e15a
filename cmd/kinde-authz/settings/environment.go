package settings

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/kinde-authz/kinde-authz/internal/suggest"
)

// ownPrefix is what the names of this program's variables begin with. Kinde's SDKs
// have names of their own that begin with KINDE_.
const ownPrefix = "KINDE_AUTHZ_"

// guards are the settings without that prefix. A typo in one of them would leave
// the service open, and nothing else would tell.
var guards = []string{"KINDE_DOMAIN", "KINDE_AUDIENCE", "KINDE_ALLOWED_ORGS"}

// checkEnvironment refuses variables that look like settings and are none. Their
// values may be secrets and are not repeated.
func checkEnvironment(environ []string) error {
	known := variables(reflect.TypeFor[Flags]())
	for _, entry := range slices.Sorted(slices.Values(environ)) {
		name, value, _ := strings.Cut(entry, "=")
		if slices.Contains(known, name) {
			continue
		}
		if guard := guardMeant(name); guard != "" {
			return fmt.Errorf("environment variable %s is not a setting: did you mean %s? Rename it or unset it", name, guard)
		}
		if hasPrefix(name, ownPrefix) && !isOfService(name, value) {
			return fmt.Errorf("environment variable %s is not a setting: %s", name, wanted(name, known))
		}
	}
	return nil
}

// variables returns the environment variables of all flags.
func variables(t reflect.Type) (names []string) {
	for field := range t.Fields() {
		if name := field.Tag.Get("env"); name != "" {
			names = append(names, name)
		} else if field.Type.Kind() == reflect.Struct {
			names = append(names, variables(field.Type)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func hasPrefix(name, prefix string) bool { return strings.HasPrefix(strings.ToUpper(name), prefix) }

// guardMeant returns the setting that a name is probably a typo of. Whatever else begins
// with KINDE_ALLOWED, like the allowedOrgCodes of mastra-auth-kinde, was meant as a guard.
func guardMeant(name string) string {
	for _, guard := range guards {
		if hasPrefix(name, guard) || suggest.Distance(name, guard) <= 2 {
			return guard
		}
	}
	if hasPrefix(name, "KINDE_ALLOWED") {
		return "KINDE_ALLOWED_ORGS"
	}
	return ""
}

// wanted says what the name should be. Names are compared without their
// prefix, so that KINDE_AUTHZ_AUDIENCE is close to KINDE_AUDIENCE.
func wanted(name string, known []string) string {
	bare := func(name string) string {
		name = strings.TrimPrefix(strings.ToUpper(name), "KINDE_")
		return strings.TrimPrefix(name, "AUTHZ_")
	}
	names := make([]string, len(known))
	for i := range known {
		names[i] = bare(known[i])
	}
	if meant, near := suggest.Closest(bare(name), names); near {
		return fmt.Sprintf("did you mean %s? Rename it or unset it", known[slices.Index(names, meant)])
	}
	return "want one of " + strings.Join(known, ", ") + ", or unset it"
}

// Kubernetes sets variables for each Service of a namespace, and Docker for each
// link of a container. Where one is named kinde-authz, or begins with that, they
// look like settings. The value tells KINDE_AUTHZ_PORT of those from one that
// somebody took for a setting; a link's name is a path, and its environment
// follows _ENV_.
var (
	serviceNames = regexp.MustCompile(`^KINDE_AUTHZ_(.+_)?(SERVICE_HOST|SERVICE_PORT(_.+)?|ENV_.+|` +
		`PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR|START|END|PORT_START|PORT_END))?)$`)
	serviceAddress = regexp.MustCompile(`^KINDE_AUTHZ_(.+_)?PORT=(tcp|udp|sctp)://`)
	linkName       = regexp.MustCompile(`^KINDE_AUTHZ_(.+_)?NAME=/.+/.+`)
)

// isOfService reports whether a variable comes from a Service or a link.
func isOfService(name, value string) bool {
	entry := name + "=" + value
	return serviceNames.MatchString(name) || serviceAddress.MatchString(entry) || linkName.MatchString(entry)
}
