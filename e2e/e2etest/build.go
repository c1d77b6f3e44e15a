package e2etest

import (
	"os"
	"os/exec"
)

// Build builds packages of the project, whose root is there, into a folder, as they are
// shipped.
func Build(root, into string, packages ...string) error {
	//nolint:gosec // the packages that a test names
	build := exec.Command("go", append([]string{"build", "-o", into + string(os.PathSeparator)}, packages...)...)
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	return build.Run()
}

// Main ends the process with the code of run, or with 1 and its error.
func Main(run func() (int, error)) {
	code, err := run()
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}
