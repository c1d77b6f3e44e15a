package main

import (
	"fmt"
	"io"
	"runtime"
)

// version is set when a release is built.
var version = "dev"

type versionCommand struct{}

// Run prints the version of the program and of Go.
func (versionCommand) Run(stdout io.Writer) error {
	_, err := fmt.Fprintf(stdout, "kinde-authz %s %s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
