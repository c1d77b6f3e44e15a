package playground

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// reloadTimeout is how long the service may take to read its file.
const reloadTimeout = 5 * time.Second

// settingsChange is a text for the file of settings.
type settingsChange struct {
	Text string `json:"text"`
	Save bool   `json:"save"` // else it is only checked
}

// settingsVerdict is what kinde-authz says of it.
type settingsVerdict struct {
	OK   bool   `json:"ok"`
	Says string `json:"says"`
}

func (p *Playground) settings() (string, error) {
	content, err := os.ReadFile(p.stack.Settings)
	return string(content), err
}

// changeSettings checks a text as kinde-authz validate does, and then, if that is asked for,
// has the service read it. One that it refuses is not kept.
func (p *Playground) changeSettings(r *http.Request, in settingsChange) (settingsVerdict, error) {
	verdict, err := p.validate(r.Context(), in.Text)
	if err != nil || !verdict.OK || !in.Save {
		return verdict, err
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	before, err := os.ReadFile(p.stack.Settings)
	if err != nil {
		return verdict, err
	}
	if err := p.stack.ReplaceSettings([]byte(in.Text)); err != nil {
		return verdict, err
	}
	if !p.stack.Running() {
		verdict.Says += "\nSaved. kinde-authz does not run, and reads it when it starts."
		return verdict, nil
	}
	told, err := p.reload(r.Context())
	switch {
	case err != nil:
		return verdict, err
	case told.Error != "":
		verdict = settingsVerdict{false, told.Error + "\nThe file is as it was."}
		return verdict, p.stack.ReplaceSettings(before)
	case told.Message == "":
		verdict.Says += "\nSaved. kinde-authz logs too little to tell whether it uses it."
	default:
		verdict.Says += "\nSaved, and read again. What could not be read, or waits for a start, is in the log of kinde-authz."
	}
	return verdict, nil
}

func (p *Playground) validate(ctx context.Context, text string) (settingsVerdict, error) {
	dir, err := os.MkdirTemp("", "kinde-dev-")
	if err != nil {
		return settingsVerdict{}, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, filepath.Base(p.stack.Settings))
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return settingsVerdict{}, err
	}
	stdout, stderr, err := p.authz(ctx, "", "validate", path)
	if refused := (*exec.ExitError)(nil); err != nil && !errors.As(err, &refused) {
		return settingsVerdict{}, err // nobody has looked at the text
	}
	says := strings.TrimSpace(string(stdout) + strings.TrimPrefix(stderr, "kinde-authz: "))
	says = strings.ReplaceAll(says, path, filepath.Base(path))
	return settingsVerdict{err == nil, says}, nil
}

// reload has the service read its file, and returns what it logs of that, if it does.
func (p *Playground) reload(ctx context.Context) (line, error) {
	position := p.seen.position()
	if err := p.stack.ReloadAuthz(); err != nil {
		return line{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	return p.seen.await(ctx, authzLog, position, func(l *line) bool {
		return l.Message == "settings reloaded" || strings.HasPrefix(l.Message, "reload failed")
	}), nil
}
