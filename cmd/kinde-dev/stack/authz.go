package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-dev/process"
	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

// startAuthz starts kinde-authz and learns its ports from its log.
func (s *Stack) startAuthz(ctx context.Context, config Config) error {
	s.authz = config.Authz
	if config.SettingsFile == "" && !strings.Contains(config.Settings, issuerURL) {
		s.authzEnv = []string{
			"KINDE_DOMAIN=" + s.Issuer.URL, "KINDE_AUDIENCE=" + kindetest.Audience, "KINDE_ALLOWED_ORGS=" + AllowedOrgs,
		}
	}
	if s.Settings != "" {
		s.authzEnv = append(s.authzEnv, "KINDE_AUTHZ_CONFIG="+s.Settings)
	}
	if config.SettingsFile == "" {
		s.authzEnv = append(s.authzEnv, "KINDE_AUTHZ_INSECURE_HTTP=true")
	}
	s.authzEnv = slices.Concat(s.authzEnv, []string{
		"KINDE_AUTHZ_DRAIN_DELAY=0s",
		"KINDE_AUTHZ_LISTEN=" + orAny(config.AuthzGRPC), "KINDE_AUTHZ_ADMIN_LISTEN=" + orAny(config.AuthzAdmin),
	}, config.AuthzEnv)
	var err error
	if s.Authz, err = process.Start(s.AuthzCommand("serve"), &s.AuthzLog); err != nil {
		return err
	}
	return s.Authz.Until(ctx, "its ports", func() bool { return s.readPorts() })
}

// AuthzCommand is a command of kinde-authz with the settings of the one that runs. A
// developer's own settings are not meant for it.
func (s *Stack) AuthzCommand(args ...string) *exec.Cmd {
	command := exec.Command(s.authz, args...)
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool {
		return strings.HasPrefix(variable, "KINDE_") || strings.HasPrefix(variable, "OTEL_")
	})
	command.Env = append(command.Env, s.authzEnv...)
	return command
}

// readPorts looks for the line that tells where kinde-authz listens.
func (s *Stack) readPorts() bool {
	for line := range strings.Lines(s.AuthzLog.String()) {
		var entry struct {
			Message string `json:"msg"`
			GRPC    string `json:"listen"`
			Admin   string `json:"admin_listen"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Message == "serving" {
			s.AuthzGRPC, s.AuthzAdmin = entry.GRPC, "http://"+entry.Admin
			return true
		}
	}
	return false
}

// KillAuthz ends kinde-authz as a crash would.
func (s *Stack) KillAuthz() {
	s.restarts.Lock()
	defer s.restarts.Unlock()
	authz := s.current()
	s.expect(authz)
	authz.Kill()
}

// RestartAuthz brings a killed kinde-authz back, at the same addresses, and waits until
// Envoy asks it. One that runs is left alone.
func (s *Stack) RestartAuthz(ctx context.Context) error {
	s.restarts.Lock()
	defer s.restarts.Unlock()
	if s.Running() {
		return nil
	}
	command := s.AuthzCommand("serve")
	command.Env = append(command.Env, "KINDE_AUTHZ_LISTEN="+s.AuthzGRPC,
		"KINDE_AUTHZ_ADMIN_LISTEN="+strings.TrimPrefix(s.AuthzAdmin, "http://"))
	started, err := process.Start(command, &s.AuthzLog)
	if err != nil {
		return err
	}
	err = started.Until(ctx, "its admin port", func() bool { return answers(ctx, s.AuthzAdmin+"/healthz") })
	if err != nil {
		started.Stop()
		return err
	}
	s.mu.Lock()
	s.Authz = started
	s.mu.Unlock()
	go s.watch("kinde-authz", started, &s.AuthzLog)
	if !answers(ctx, s.AuthzAdmin+"/readyz") { // Envoy does not ask one without keys
		return nil
	}
	return s.untilRouted(ctx)
}

// ReloadAuthz has kinde-authz read its file at once.
func (s *Stack) ReloadAuthz() error { return s.current().Signal(syscall.SIGHUP) }

// Running reports whether kinde-authz runs.
func (s *Stack) Running() bool {
	select {
	case <-s.current().Done():
		return false
	default:
		return true
	}
}

func (s *Stack) current() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Authz
}

// Ended tells when a child ended that nobody ended, and what it said.
func (s *Stack) Ended() <-chan error { return s.ended }

// expect says that the end of a child is no accident.
func (s *Stack) expect(p *process.Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.told[p] = true
}

// watch waits for the end of a child.
func (s *Stack) watch(name string, p *process.Process, log *process.Log) {
	<-p.Done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.told[p] {
		return
	}
	select {
	case s.ended <- fmt.Errorf("%s ended, see %s:\n%s", name, log.Path(), p.LastLines()):
	default: // another ended before
	}
}
