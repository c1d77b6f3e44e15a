package playground

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// explain adds what kinde-authz explain says of the request, with the settings that the
// service has now.
func (p *Playground) explain(ctx context.Context, out *result, in *request, token string) {
	args := []string{"explain", "--format=json", "--method=" + in.Method, "--path=" + in.Path, "--body=" + in.Body}
	for _, h := range in.Headers {
		args = append(args, "--header="+h.Name+": "+h.Value)
	}
	text, says, err := p.authz(ctx, token, args...)
	if !json.Valid(text) {
		out.Unexplained = strings.TrimSpace(says)
		if out.Unexplained == "" {
			out.Unexplained = fmt.Sprintf("kinde-authz explain: %v", err)
		}
		return
	}
	out.Explanation = text
	var explained struct{ Reason string }
	_ = json.Unmarshal(text, &explained) // it is ours
	switch {
	case out.Reason == "":
		out.Unexplained = "kinde-authz did not decide. This is how it would: " + explained.Reason + "."
	case explained.Reason != out.Reason:
		out.Unexplained = "kinde-authz explain, which fetches the keys anew, says " + explained.Reason + " now."
	}
}

// authz runs a command of kinde-authz and returns what it prints and what it says.
func (p *Playground) authz(ctx context.Context, input string, args ...string) (stdout []byte, stderr string, err error) {
	command := p.stack.AuthzCommand(args...)
	var out, says bytes.Buffer
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(input), &out, &says
	if err := command.Start(); err != nil {
		return nil, "", err
	}
	stop := context.AfterFunc(ctx, func() { _ = command.Process.Kill() }) // it may have ended
	defer stop()
	err = command.Wait()
	return out.Bytes(), says.String(), err
}
