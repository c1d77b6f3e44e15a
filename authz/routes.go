package authz

import (
	"fmt"
	"strings"
)

// routes finds the first route that matches. It is a tree of segments, so that
// the routes of other paths cost nothing.
type routes struct {
	all  []*route
	root *node
}

// node is what the routes say of one place in a path. Lists of routes hold
// their numbers, in ascending order.
type node struct {
	literals map[string]*node
	any      *node
	end      []int // routes that end here
	rest     []int // routes that match whatever follows
	first    int   // the first route at this place or behind
}

func compileRoutes(list []Route, policies map[string]*policy) (*routes, error) {
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // without routes the path decides nothing
	}
	t := &routes{root: &node{}}
	for number, r := range list {
		compiled, err := r.compile(policies)
		if err != nil {
			return nil, fmt.Errorf("route %q: %w", r.Path, err)
		}
		t.all = append(t.all, compiled)
		t.root.add(&compiled.pattern, compiled.pattern.segments, number)
	}
	return t, nil
}

func (n *node) add(p *pattern, segments []string, number int) {
	switch {
	case len(segments) > 0:
		n.child(segments[0], number).add(p, segments[1:], number)
	case p.rest:
		n.rest = append(n.rest, number)
	default:
		n.end = append(n.end, number)
	}
}

func (n *node) child(segment string, number int) *node {
	if segment == anySegment {
		if n.any == nil {
			n.any = &node{first: number}
		}
		return n.any
	}
	if n.literals[segment] == nil {
		if n.literals == nil {
			n.literals = make(map[string]*node)
		}
		n.literals[segment] = &node{first: number}
	}
	return n.literals[segment]
}

// match returns the first route for the request, whose path is canonical; nil
// when there is none.
func (t *routes) match(path string, request *Request) *route {
	number := t.find(t.root, path, request, len(t.all))
	if number == len(t.all) {
		return nil
	}
	return t.all[number]
}

// find returns the number of the first route below n that matches, or best if
// that comes first. It looks at each node at most once.
func (t *routes) find(n *node, path string, request *Request, best int) int {
	if n == nil || n.first >= best {
		return best
	}
	best = t.firstOf(n.rest, request, best)
	if path == "" {
		return t.firstOf(n.end, request, best)
	}
	segment, path, _ := strings.Cut(path, "/")
	best = t.find(n.literals[decoded(segment)], path, request, best)
	return t.find(n.any, path, request, best)
}

func (t *routes) firstOf(numbers []int, request *Request, best int) int {
	for _, number := range numbers {
		if number >= best {
			break
		}
		if t.all[number].takes(request) {
			return number
		}
	}
	return best
}
