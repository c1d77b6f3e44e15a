package authz

import (
	"slices"
	"strconv"
	"strings"
)

// routes finds the first route that matches. It is a tree of segments, so that
// the routes of other paths cost nothing.
type routes struct {
	all    []*route
	exact  *node
	folded *node // the same with the case of literals folded
	same   bool  // whether all literals are folded as they are
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

func compileRoutes(list []Route, policies policies) (*routes, error) {
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // without routes the path decides nothing
	}
	t := newRoutes()
	for number, r := range list {
		compiled, err := r.compile(policies)
		if err != nil {
			return nil, at(err, "routes", strconv.Itoa(number))
		}
		compiled.number = number
		t.add(compiled)
	}
	return t, nil
}

func newRoutes() *routes { return &routes{exact: &node{}, folded: &node{}, same: true} }

// add takes a route that comes after all others.
func (t *routes) add(r *route) {
	number, pattern := len(t.all), &r.pattern
	t.all = append(t.all, r)
	t.exact.add(pattern, pattern.segments, number)
	folded := foldAll(pattern.segments)
	t.folded.add(pattern, folded, number)
	t.same = t.same && slices.Equal(folded, pattern.segments)
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
// when there is none. It is not ok when an upstream that ignores case would see
// another route, or one where there is none.
func (t *routes) match(path string, request *Request) (matched *route, ok bool) {
	number, ok := t.number(path, request)
	if !ok || number == len(t.all) {
		return nil, ok
	}
	return t.all[number], true
}

// number is match for who knows the routes by their numbers: how many there are
// stands for none.
func (t *routes) number(path string, request *Request) (number int, ok bool) {
	number = t.find(t.exact, path, request, len(t.all), decoded)
	plain := t.same && isFolded(path) // then the second search would be the first
	return number, plain || t.find(t.folded, path, request, number, fold) == number
}

// find returns the number of the first route below n that matches, or best if
// that comes first. Segments of the path are read by read. It looks at each node
// at most once.
func (t *routes) find(n *node, path string, request *Request, best int, read func(string) string) int {
	if n == nil || n.first >= best {
		return best
	}
	best = t.firstOf(n.rest, request, best)
	if path == "" {
		return t.firstOf(n.end, request, best)
	}
	segment, path, _ := strings.Cut(path, "/")
	if len(n.literals) > 0 {
		best = t.find(n.literals[read(segment)], path, request, best, read)
	}
	return t.find(n.any, path, request, best, read)
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
