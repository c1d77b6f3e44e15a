package settings

import (
	"go.yaml.in/yaml/v4"

	"github.com/kinde-authz/kinde-authz/internal/strictyaml"
)

// file is the YAML file of settings. All are optional, except an issuer's domain
// and a route's path; none may be empty. docs/settings.schema.json is generated
// from the tags.
type file struct {
	Issuers      []issuerSettings          `yaml:"issuers" jsonschema:"minItems=1" jsonschema_description:"The Kinde businesses and custom domains whose tokens are accepted. Without them KINDE_DOMAIN must be set."`
	Policies     map[string]policySettings `yaml:"policies" jsonschema_description:"Policies by name. If default is defined, it applies to requests that no route matches; else, with routes, they are denied."`
	Routes       []routeSettings           `yaml:"routes" jsonschema:"minItems=1" jsonschema_description:"Which policy applies to which path; the first match wins."`
	Headers      headerSettings            `yaml:"headers"`
	Leeway       *duration                 `yaml:"leeway" jsonschema_description:"How far the clocks of issuer and service may differ, 0s to 5m. Default: 30s."`
	TokenCache   cacheSettings             `yaml:"token_cache"`
	JWKS         jwksSettings              `yaml:"jwks"`
	Resources    []resourceSettings        `yaml:"resources" jsonschema:"minItems=1" jsonschema_description:"The APIs behind, as clients discover them (RFC 9728). A request belongs to the one with the longest path that its own begins with."`
	Assertion    *assertionSettings        `yaml:"assertion" jsonschema_description:"Signs what the upstream is told of an identity (x-kinde-assertion), so that it can refuse whoever comes round Envoy. Left out: no assertion."`
	Log          logSettings               `yaml:"log"`
	Listen       text                      `yaml:"listen" jsonschema_description:"Address of the gRPC port, or unix:/path. Default: :9191."`
	AdminListen  text                      `yaml:"admin_listen" jsonschema_description:"Address of the HTTP port: a status page, /healthz, /readyz, /metrics and /jwks. Default: :9192."`
	InsecureHTTP truth                     `yaml:"insecure_http" jsonschema_description:"Allow http:// issuers. For local stacks and tests only."`
	DrainDelay   *duration                 `yaml:"drain_delay" jsonschema_description:"How long to go on serving after SIGTERM while reporting NOT_SERVING. Default: 10s."`
	TLS          tlsSettings               `yaml:"tls"`
	Limits       limitSettings             `yaml:"limits"`
	Pprof        truth                     `yaml:"pprof" jsonschema_description:"Serve profiles at /debug/pprof/ of the admin port. Default: false."`

	content []byte
	root    *yaml.Node // nil for a file without settings
}

// issuerSettings are one issuer and who may pass with its tokens.
type issuerSettings struct {
	Domain      text   `yaml:"domain" jsonschema:"required,pattern=^https?://[^/?#@A-Z]+/*$" jsonschema_description:"Scheme and host, like https://yourapp.kinde.com."`
	Audience    []text `yaml:"audience" jsonschema:"minItems=1" jsonschema_description:"A token must name one of these. Left out: not checked."`
	AllowedOrgs []text `yaml:"allowed_orgs" jsonschema:"minItems=1" jsonschema_description:"A token must have one of these organization codes. Left out: any organization, or none."`
	Actors      []text `yaml:"actors" jsonschema:"minItems=1,enum=user,enum=system" jsonschema_description:"Who may pass. Left out: users and machines."`
	JWKSFile    text   `yaml:"jwks_file" jsonschema_description:"Path of a JWK set to use instead of the issuer's."`
}

// policySettings are what a policy wants of a token.
type policySettings struct {
	Actors          []text               `yaml:"actors" jsonschema:"minItems=1,enum=user,enum=system" jsonschema_description:"One of these."`
	AllowedOrgs     []text               `yaml:"allowed_orgs" jsonschema:"minItems=1" jsonschema_description:"One of these organization codes, which must also be one of the issuer's."`
	AllowWithoutOrg truth                `yaml:"allow_without_org" jsonschema_description:"Whether a token without an organization passes both allowed_orgs lists."`
	Scopes          []text               `yaml:"scopes" jsonschema:"minItems=1" jsonschema_description:"All of these."`
	Permissions     []text               `yaml:"permissions" jsonschema:"minItems=1" jsonschema_description:"All of these."`
	Roles           []text               `yaml:"roles" jsonschema:"minItems=1" jsonschema_description:"All of these keys."`
	FeatureFlags    map[string]flagValue `yaml:"feature_flags" jsonschema_description:"All of these values: a boolean, a string or an integer. Machines have no flags that count."`
	Shadow          truth                `yaml:"shadow" jsonschema_description:"Whether the policy denies nothing and only logs and counts what it would deny. Default: false."`
}

type routeSettings struct {
	Path    text   `yaml:"path" jsonschema:"required,pattern=^/" jsonschema_description:"Compared by segment: * or {name} for one, ** at the end for the rest; {org_code} must be the token's organization."`
	Methods []text `yaml:"methods" jsonschema:"minItems=1,pattern=^[A-Z-]+$" jsonschema_description:"In upper case; GET includes HEAD. Left out: all."`
	Policy  text   `yaml:"policy" jsonschema_description:"Left out: default if it is defined, else one that asks nothing."`
	Public  truth  `yaml:"public" jsonschema_description:"Everyone passes, without identity. Takes no policy."`
	Deny    truth  `yaml:"deny" jsonschema_description:"Nobody passes. Takes no policy and cannot be public."`

	MCP *mcpSettings `yaml:"mcp" jsonschema_description:"A server of the Model Context Protocol is behind: its messages are read, and policies of tools asked. Not for a route that is public or denies."`
}

// mcpSettings say of a route that a server of the Model Context Protocol is behind.
type mcpSettings struct {
	Tools         []toolSettings `yaml:"tools" jsonschema:"minItems=1" jsonschema_description:"The policies of tools; the first entry that matches counts, and a tool that none matches is denied. Left out: all tools may be called."`
	Origins       []text         `yaml:"origins" jsonschema:"minItems=1,pattern=^[a-z][a-z0-9+.-]*://[^/?#@A-Z* ]+$" jsonschema_description:"Whose pages may call from a browser, like https://app.example.com. Left out: not checked, the server must."`
	EnvoyMetadata truth          `yaml:"envoy_metadata" jsonschema_description:"Whether to believe Envoy's MCP filter where no body came. Default: false."`
}

type toolSettings struct {
	Name   text `yaml:"name" jsonschema:"required,pattern=^[!-)+-~]*\\*?$" jsonschema_description:"The tool's name, or how it begins and one * at its end."`
	Policy text `yaml:"policy" jsonschema_description:"Must hold beside the route's. Left out: none."`
}

type headerSettings struct {
	Claims               map[string]text `yaml:"claims" jsonschema_description:"Claims to send to the upstream: header name (x-kinde-…) and claim; dots lead into objects."`
	ForwardAuthorization *truth          `yaml:"forward_authorization" jsonschema_description:"Whether the upstream receives the token too. Default: true."`
}

type cacheSettings struct {
	Entries *count `yaml:"entries" jsonschema_description:"How many verified tokens are cached; 0 turns the cache off. Default: 100000."`
}

type jwksSettings struct {
	Refresh  period `yaml:"refresh" jsonschema_description:"How often the keys are fetched. Default: 15m."`
	MaxStale period `yaml:"max_stale" jsonschema_description:"How long keys are used while the issuer cannot be reached. Default: 24h."`
	Timeout  period `yaml:"timeout" jsonschema_description:"Timeout of one request to the issuer. Default: 5s."`
}

type resourceSettings struct {
	Identifier    text   `yaml:"identifier" jsonschema:"required" jsonschema_description:"The API's address. Its path is compared with requests, its host is not."`
	Audience      []text `yaml:"audience" jsonschema:"minItems=1" jsonschema_description:"A token of its requests must name one of these, whatever the issuer's audience is. Left out: the issuer's."`
	Scopes        []text `yaml:"scopes" jsonschema:"minItems=1" jsonschema_description:"Scopes that a client may want to request."`
	Name          text   `yaml:"name" jsonschema_description:"What people call the API, for the document that clients read."`
	Documentation text   `yaml:"documentation" jsonschema:"pattern=^https?://" jsonschema_description:"Address of a page for developers, for the document that clients read."`
}

type tlsSettings struct {
	Cert     text `yaml:"cert" jsonschema_description:"Certificate of the gRPC port, PEM."`
	Key      text `yaml:"key" jsonschema_description:"Key of the certificate, PEM."`
	ClientCA text `yaml:"client_ca" jsonschema_description:"Authorities, PEM; a client must show a certificate of one of them."`

	ClientNames []text `yaml:"client_names" jsonschema:"minItems=1,pattern=^[!-)+-~]+$" jsonschema_description:"The client's certificate must have one of these names (SAN): DNS names and URIs such as spiffe://…, without wildcards. Needs client_ca. Left out: not checked."`
}

// limitSettings are those of the gRPC port.
type limitSettings struct {
	Connections bound `yaml:"connections" jsonschema_description:"How many connections may be open; half of them from one address. Those beyond are closed at once. Default: 1024."`
	InFlightMiB bound `yaml:"in_flight_mib" jsonschema_description:"What all calls that are being read or decided on may take together, in MiB. Those beyond are answered overloaded. Default: 512."`
}

type logSettings struct {
	Level        text   `yaml:"level" jsonschema:"enum=debug,enum=info,enum=warn,enum=error,enum=dpanic,enum=panic,enum=fatal" jsonschema_description:"debug, info, warn or error. Default: info."`
	SampleAllows *share `yaml:"sample_allows" jsonschema_description:"Share of allows that are logged, 0 to 1. All denials are logged. Default: 1.0."`
}

// MayBeEmpty implements [strictyaml.Empty]: all settings are optional.
func (*file) MayBeEmpty() {}

// MayBeEmpty implements [strictyaml.Empty]: a policy that asks nothing.
func (*policySettings) MayBeEmpty() {}

// MayBeEmpty implements [strictyaml.Empty]: all tools may be called.
func (*mcpSettings) MayBeEmpty() {}

// parseFile reads the settings. Errors name the line and the column.
func parseFile(content []byte) (*file, error) {
	f := &file{content: content}
	var err error
	f.root, err = strictyaml.Decode(content, f)
	if err != nil {
		return nil, err
	}
	return f, nil
}
