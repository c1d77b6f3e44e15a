package main

import (
	"context"
	"os"
	"time"

	"go.uber.org/zap"
)

// lookEvery is how often the settings file is looked at. It is read, not
// watched: that sees every way in which a file can change, the swap of a
// ConfigMap's links and the writes of another machine included.
const lookEvery = time.Second

// reading is what was found at the file's path.
type reading struct{ content, fault string }

func (s *service) read() reading {
	content, err := readFile(s.flags.Config)
	if err != nil {
		return reading{fault: err.Error()}
	}
	return reading{content: string(content)}
}

// watch reads the settings again when the file has changed, and on a hangup,
// until ctx ends. A change counts once it was found twice: a file that is being
// written may say less than is meant.
func (s *service) watch(ctx context.Context, hangups <-chan os.Signal) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	if s.flags.Config == "" {
		tick.Stop()
	}
	known, last := reading{content: s.settings.content}, reading{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			known = s.hangup()
		case <-tick.C:
			now := s.read()
			if now == last && now != known {
				known = now
				s.reload(now)
			}
			last = now
		}
	}
}

func (s *service) hangup() reading {
	if s.flags.Config == "" {
		s.log.Warn("there is no settings file to read again", zap.String("setting", "KINDE_AUTHZ_CONFIG"))
		return reading{}
	}
	now := s.read()
	s.reload(now)
	return now
}

// reload changes over to what the file says now. With a fault in it everything
// stays as it is.
func (s *service) reload(now reading) {
	if err := s.change(now); err != "" {
		s.metrics.reloads.WithLabelValues("error").Inc()
		s.log.Error("the settings file is refused: those of before stay", zap.String("error", err))
		return
	}
	s.metrics.reloads.WithLabelValues("ok").Inc()
	s.log.Info("read the settings again")
}

func (s *service) change(now reading) (fault string) {
	if now.fault != "" {
		return now.fault
	}
	settings, err := s.flags.settingsOf([]byte(now.content))
	if err != nil {
		return err.Error()
	}
	s.observe(settings)
	verifier, authorizer, err := settings.build(s.verifier.Load())
	if err != nil {
		return err.Error()
	}
	stop := verifier.Start()
	s.verifier.Store(verifier)
	s.server.Use(authorizer)
	s.stopKeys()
	s.stopKeys = stop
	s.level.SetLevel(settings.level)
	s.readiness.set(verifier.Ready())
	s.warnFixed(settings)
	warn(settings, s.log)
	s.settings = settings
	return ""
}

// warnFixed names what changed and is looked at only when the program starts.
func (s *service) warnFixed(next *settings) {
	for name, changed := range map[string]bool{
		"listen": next.listen != s.settings.listen, "admin_listen": next.adminListen != s.settings.adminListen,
		"tls": next.tls != s.settings.tls,
	} {
		if changed {
			s.log.Warn("a changed setting takes effect when the program starts again", zap.String("setting", name))
		}
	}
}
