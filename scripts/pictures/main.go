// Command pictures draws the pictures of docs/architecture.md: the packages and what
// they import, as the compiler sees it, and the way of a request, with the steps of a
// decision in their order. Run it from the root of the repository:
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
	for name, picture := range map[string]string{"house.svg": drawn, "request.svg": request()} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(picture), 0o644); err != nil { //nolint:gosec // pictures are for everyone
			return err
		}
	}
	return nil
}
