package kinde

import (
	"errors"
	"strings"
)

// ConfigError is a setting that is refused.
type ConfigError struct {
	// Path leads to the setting, in the words of the settings file: names of
	// settings, keys of maps, and places in lists counted from 0, like
	// issuers, 0, domain.
	Path []string
	// Err says what is wrong and what is wanted.
	Err error
}

// Error gives the path and what is wrong.
func (e *ConfigError) Error() string { return strings.Join(e.Path, ".") + ": " + e.Err.Error() }

// Unwrap returns what is wrong.
func (e *ConfigError) Unwrap() error { return e.Err }

// ConfigErrorAt says of an error at which setting it is. Where it is a
// [ConfigError] already, the path leads to what that one is about. Nil stays nil.
func ConfigErrorAt(err error, path ...string) error {
	if err == nil {
		return nil
	}
	var inner *ConfigError
	if errors.As(err, &inner) {
		return &ConfigError{append(path, inner.Path...), inner.Err}
	}
	return &ConfigError{path, err}
}
