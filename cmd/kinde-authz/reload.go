package main

import (
	"context"
	"os"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// reading is what was found at the file's path.
type reading struct{ content, fault string }

func (s *service) read(ctx context.Context) reading {
	content, err := settings.ReadFile(ctx, s.flags.Config)
	if err != nil {
		return reading{fault: err.Error()}
	}
	return reading{content: string(content)}
}

// watch reloads the settings when the file has changed, and on a hangup, until
// ctx ends.
func (s *service) watch(ctx context.Context, hangups <-chan os.Signal) {
	if s.flags.Config != "" {
		poll(ctx, hangups, reading{content: s.settings.Load().Content}, s.read, s.reload)
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			s.log.Warn("there is no settings file to reload", zap.String("setting", "KINDE_AUTHZ_CONFIG"))
		}
	}
}

// reload changes over to what the file says now. With a fault in it everything
// stays as it is.
func (s *service) reload(now reading) {
	s.notifier.reloading()
	defer s.notifier.reloaded()
	err := s.change(now)
	s.events.reloaded(err)
	if err != "" {
		s.metrics.reloads.WithLabelValues("error").Inc()
		s.metrics.reloadOK.Set(0)
		s.log.Error("reload failed: still using the previous settings", zap.String("error", err))
		return
	}
	s.metrics.reloads.WithLabelValues("ok").Inc()
	s.metrics.reloadOK.Set(1)
	s.log.Info("settings reloaded", zap.Inline(s.settings.Load()))
}

// reloadedTLS tells the log and the metrics of changed TLS files.
func (s *service) reloadedTLS(err error) {
	if err != nil {
		s.events.reloadedTLS(err.Error())
		s.metrics.tlsReloads.WithLabelValues("error").Inc()
		s.log.Warn("TLS reload failed: still using the previous certificates", zap.Error(err))
		return
	}
	s.events.reloadedTLS("")
	s.metrics.tlsReloads.WithLabelValues("ok").Inc()
	s.log.Info("TLS files reloaded")
	s.certificates.warnExpired(s.log)
}

func (s *service) change(now reading) (fault string) {
	s.signing.changing.Lock()
	defer s.signing.changing.Unlock()
	if now.fault != "" {
		return now.fault
	}
	loaded, err := s.flags.Parse([]byte(now.content))
	if err != nil {
		return err.Error()
	}
	s.observe(loaded)
	verifier, authorizer, err := loaded.Build(s.verifier.Load())
	if err != nil {
		return err.Error()
	}
	if err := s.signing.load(context.Background(), loaded); err != nil {
		return err.Error()
	}
	stop := verifier.Start()
	s.verifier.Store(verifier)
	s.server.Use(authorizer, loaded.LoggedAllows)
	s.readiness.use(loaded)
	s.stopKeys()
	s.stopKeys = stop
	s.level.SetLevel(loaded.LogLevel)
	if loaded.TLS == s.started.TLS { // else the names are of an authority that nobody asks
		s.clients.use(loaded.ClientNames)
	}
	s.connections.use(loaded.Limits.Connections)
	s.server.Limit(loaded.Limits.InFlightBytes)
	s.readiness.set(verifier.Ready())
	s.warnFixed(loaded)
	warn(loaded, s.log)
	s.settings.Store(loaded)
	return ""
}

// warnFixed names what differs from the start, and is looked at only then.
func (s *service) warnFixed(next *settings.Settings) {
	now := s.started
	for name, changed := range map[string]bool{
		"listen": next.Listen != now.Listen, "admin_listen": next.AdminListen != now.AdminListen,
		"tls": next.TLS != now.TLS,
	} {
		if changed {
			s.log.Warn("a changed setting takes effect at the next start", zap.String("setting", name))
		}
	}
}
