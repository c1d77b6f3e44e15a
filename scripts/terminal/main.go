// Command terminal makes docs/pictures/terminal.svg: a session in a terminal, of the
// built programs against a real Envoy. It runs every command that the picture shows, on
// ports that the kernel chooses, and draws what they printed. What differs from run to
// run (ports, paths, IDs, times) is replaced, so that the same programs make the same
// picture. It needs curl, and script of util-linux, which gives the programs a terminal to
// colour their outcomes for. Run it from the root of the repository, after make build:
//
//	ENVOY=$(scripts/envoy) go run ./scripts/terminal docs/pictures
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	bin := flag.String("bin", "bin", "folder of the built programs")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: terminal [-bin DIRECTORY] DIRECTORY")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := draw(*bin, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "terminal:", err)
		os.Exit(1)
	}
}

// draw plays the session with the programs in bin and writes the picture into a directory.
func draw(bin, dir string) error {
	printed, err := play(context.Background(), bin)
	if err != nil {
		return err
	}
	picture := render("A session with kinde-authz in a terminal", film(printed))
	//nolint:gosec // pictures are for everyone
	return os.WriteFile(filepath.Join(dir, "terminal.svg"), []byte(picture), 0o644)
}
