// Command pictures draws the pictures of the documents that follow from the code: the
// packages and what they import, as the compiler sees it; the way of a request, with the
// steps of a decision in their order; and the life of a signing key, with its limits. Run it
// from the root of the repository:
//
//	go run ./scripts/pictures docs/pictures
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: pictures DIRECTORY")
		os.Exit(2)
	}
	if err := draw(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// draw writes the pictures into a directory.
func draw(dir string) error {
	packages, err := list()
	if err != nil {
		return err
	}
	drawn, err := house(packages)
	if err != nil {
		return err
	}
	life, err := keys()
	if err != nil {
		return err
	}
	for name, picture := range map[string]string{"house.svg": drawn, "request.svg": request(), "keys.svg": life} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(picture), 0o644); err != nil { //nolint:gosec // pictures are for everyone
			return err
		}
	}
	return nil
}
