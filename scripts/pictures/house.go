package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

const module = "github.com/kinde-authz/kinde-authz/"

// pkg is a package of the module.
type pkg struct {
	name    string // its path in the module
	doc     string // the first sentence, without the package's name
	imports []string
}

// list returns the packages of the module by name, but for tests and scripts.
func list() (map[string]*pkg, error) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,Imports",
		"./kinde/...", "./internal/...", "./authz/...", "./cmd/...").Output()
	if err != nil {
		return nil, err
	}
	all := make(map[string]*pkg)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var one struct {
			ImportPath, Doc string
			Imports         []string
		}
		if err := decoder.Decode(&one); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		p := &pkg{name: strings.TrimPrefix(one.ImportPath, module), doc: withoutName(one.Doc)}
		for _, path := range one.Imports {
			if name, own := strings.CutPrefix(path, module); own {
				p.imports = append(p.imports, name)
			}
		}
		all[p.name] = p
	}
}

// withoutName drops "Package x" from the sentence that describes it.
func withoutName(doc string) string {
	words := strings.SplitN(doc, " ", 3)
	return strings.TrimSuffix(words[len(words)-1], ".")
}

// places are the columns and rows of the packages that are drawn, from the left and
// from above. Those that are not are parts of others: the sample stack of
// cmd/kinde-dev, and internal packages.
var places = map[string][2]int{
	"cmd/kinde-authz":          {1, 0},
	"cmd/kinde-authz/doctor":   {2, 1},
	"cmd/kinde-authz/probe":    {2, 2},
	"cmd/kinde-authz/tracing":  {0, 1},
	"cmd/kinde-authz/settings": {2, 3},
	"authz/extauthz":           {0, 3},
	"cmd/kinde-dev":            {3, 3},
	"authz":                    {1, 4},
	"kinde":                    {1, 5},
	"kinde/kindetest":          {3, 5},
}

// reaches reports whether a package imports another through others that are drawn.
func reaches(all map[string]*pkg, from, to string) bool {
	return slices.ContainsFunc(all[from].imports, func(name string) bool {
		_, drawn := places[name]
		return drawn && name != to && (slices.Contains(all[name].imports, to) || reaches(all, name, to))
	})
}

// house draws the packages. An import that another one implies is not drawn.
func house(all map[string]*pkg) (string, error) {
	const width, height, gap, perLine = 230, 102, 46, 34
	c := &canvas{width: 4*(width+gap) + gap, height: 6*(height+gap) + gap/2}
	corner := func(name string) (x, y int) {
		return gap + places[name][0]*(width+gap), gap/2 + places[name][1]*(height+gap)
	}
	drawn := slices.Sorted(maps.Keys(places))
	for _, name := range drawn {
		if all[name] == nil {
			return "", fmt.Errorf("there is no package %s", name)
		}
		for _, below := range all[name].imports {
			if _, drawn := places[below]; !drawn || reaches(all, name, below) {
				continue
			}
			if places[below][1] <= places[name][1] {
				return "", fmt.Errorf("%s imports %s, which is not below it", name, below)
			}
			x1, y1 := corner(name)
			x2, y2 := corner(below)
			c.arrow(x1+width/2, y1+height, x2+width/2, y2)
		}
	}
	for _, name := range drawn {
		x, y := corner(name)
		c.box(x, y, width, height)
		c.text(x+width/2, y+22, "bold", name)
		for i, line := range wrap(all[name].doc, perLine, 4) {
			c.text(x+width/2, y+41+i*16, "small", line)
		}
	}
	return c.svg("The packages of kinde-authz, each above those that it imports"), nil
}
