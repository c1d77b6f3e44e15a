package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v4"
)

// defaultAdminListen is where the admin port is when nothing says otherwise.
const defaultAdminListen = ":9192"

// AdminPort are the flags that say where the admin port of a running service is.
type AdminPort struct {
	Config      string  `env:"KINDE_AUTHZ_CONFIG" placeholder:"FILE" help:"YAML file of settings, of which admin_listen alone is read."`
	AdminListen *string `env:"KINDE_AUTHZ_ADMIN_LISTEN" placeholder:"ADDRESS" help:"Address of the admin port, or unix:/path; wins over the file. Default: :9192."`
}

// Address returns the address that the service listens on. The other settings need
// not be right: a service whose file has been broken since goes on with the old ones.
func (p *AdminPort) Address(ctx context.Context) (string, error) {
	switch {
	case p.AdminListen != nil && *p.AdminListen == "":
		return "", errors.New("KINDE_AUTHZ_ADMIN_LISTEN (--admin-listen) is set but empty: give it a value or unset it")
	case p.AdminListen != nil:
		return *p.AdminListen, nil
	case p.Config == "":
		return defaultAdminListen, nil
	}
	content, err := ReadFile(ctx, p.Config)
	if err != nil {
		return "", fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %w", err)
	}
	var port struct {
		AdminListen string `yaml:"admin_listen"`
	}
	if err := yaml.Unmarshal(content, &port); err != nil {
		return "", fmt.Errorf("KINDE_AUTHZ_CONFIG (--config): %s: %w", p.Config, err)
	}
	return cmp.Or(port.AdminListen, defaultAdminListen), nil
}
