package main

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"github.com/kinde-authz/kinde-authz/authz/assertion"
	"github.com/kinde-authz/kinde-authz/cmd/kinde-authz/settings"
)

// signing holds the keys of assertions, and follows their file as it changes.
type signing struct {
	keys atomic.Pointer[assertion.Keys] // nil until there are assertions

	changing sync.Mutex // of the settings, and so of the file's path, and of the keys
	content  string     // of the file that the keys are of
}

// load reads the keys for settings that are about to be used. Where those want no
// assertion the old keys stay, for calls that have begun.
func (s *signing) load(ctx context.Context, loaded *settings.Settings) error {
	keys, content, err := loaded.AssertionKeys(ctx)
	if err == nil && keys != nil {
		s.keys.Store(keys)
		s.content = string(content)
	}
	return err
}

// keyReading is what was found at the path of the keys.
type keyReading struct{ path, content, fault string }

func (r keyReading) err() error {
	if r.fault == "" {
		return nil
	}
	return errors.New(r.fault)
}

func (s *service) readSigningKeys(ctx context.Context) (r keyReading) {
	loaded := s.settings.Load()
	r.path = loaded.AssertionKeyFile()
	if r.path == "" {
		return r
	}
	content, err := settings.ReadPEM(ctx, r.path)
	if err != nil {
		r.fault = err.Error()
	}
	r.content = string(content)
	return r
}

// watchSigningKeys follows the file until ctx ends.
func (s *service) watchSigningKeys(ctx context.Context) {
	s.signing.changing.Lock()
	known := keyReading{path: s.settings.Load().AssertionKeyFile(), content: s.signing.content}
	s.signing.changing.Unlock()
	poll(ctx, nil, known, s.readSigningKeys, s.changeSigningKeys)
}

// changeSigningKeys changes over to what the file holds now. With a fault in it the
// old keys stay.
func (s *service) changeSigningKeys(now keyReading) {
	s.signing.changing.Lock()
	defer s.signing.changing.Unlock()
	loaded := s.settings.Load()
	if now.path == "" || now.path != loaded.AssertionKeyFile() || now.fault == "" && now.content == s.signing.content {
		return // the settings have changed, and the keys with them
	}
	keys, err := loaded.ParseAssertionKeys([]byte(now.content), now.err())
	if err != nil {
		s.metrics.signingReloads.WithLabelValues("error").Inc()
		s.log.Error("reload of the keys of assertions failed: still signing with the previous ones", zap.Error(err))
		return
	}
	s.signing.keys.Store(keys)
	s.signing.content = now.content
	s.metrics.signingReloads.WithLabelValues("ok").Inc()
	s.log.Info("keys of assertions reloaded", zap.String("signing_key", keys.SigningID()))
}

// serveJWKS answers with the public keys of assertions, 404 where there are none.
func (s *service) serveJWKS(w http.ResponseWriter, r *http.Request) {
	if s.settings.Load().AssertionKeyFile() == "" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/jwk-set+json")
	_, _ = w.Write(s.signing.keys.Load().JWKS()) // a client that has gone
}
