package authz

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// resources finds the resource of a request, and the documents that describe them.
type resources struct {
	list      []*resource // the longest path first
	paths     *routes     // the same, as routes for all below
	documents map[string]*resource
}

// compileResources returns nil for none.
func compileResources(list []Resource) (*resources, error) {
	if len(list) == 0 {
		return nil, nil //nolint:nilnil // nothing is to be discovered
	}
	all := &resources{paths: newRoutes(), documents: make(map[string]*resource, len(list)+1)}
	taken := make(map[string]bool, len(list))
	for number, r := range list {
		compiled, err := r.compile()
		if err != nil {
			return nil, at(err, "resources", strconv.Itoa(number))
		}
		path := strings.Join(foldAll(compiled.segments), "/")
		if taken[path] {
			return nil, at(errSamePath, "resources", strconv.Itoa(number), "identifier")
		}
		taken[path] = true
		all.list = append(all.list, compiled)
	}
	if len(list) == 1 {
		all.documents[""] = all.list[0]
	}
	slices.SortStableFunc(all.list, func(a, b *resource) int { return cmp.Compare(len(b.segments), len(a.segments)) })
	for number, r := range all.list {
		r.number = number
		all.paths.add(&route{pattern: pattern{segments: r.segments, rest: true, org: -1}})
		all.documents[strings.TrimSuffix("/"+strings.Join(r.segments, "/"), "/")] = r
	}
	return all, nil
}

// of returns the resource that a canonical path belongs to, nil where it belongs to
// none. It is not ok when an upstream that ignores case would see another.
func (all *resources) of(path string, request *Request) (r *resource, ok bool) {
	if all == nil {
		return nil, true
	}
	number, ok := all.paths.number(path, request)
	if !ok || number == len(all.list) {
		return nil, ok
	}
	return all.list[number], true
}

// described returns the resource whose document the request asks for, or asks for
// the permission to read (a preflight); nil when it does neither. Its path is
// canonical.
func (all *resources) described(path string, request *Request) *resource {
	if all == nil || request.Method != "GET" && request.Method != "HEAD" && !request.isPreflight() {
		return nil
	}
	name, found := strings.CutPrefix(path, wellKnown[1:])
	if !found {
		return nil
	}
	return all.documents[decoded(name)]
}

// named returns the numbers of the resources whose own audience a token names. It
// is empty for none.
func (all *resources) named(token *kinde.Token) set {
	if all == nil {
		return ""
	}
	var named bits
	for number, r := range all.list {
		if r.audience == nil || token.CheckAudience(r.audience) != nil {
			continue
		}
		if named == nil {
			named = make(bits, (len(all.list)+7)/8)
		}
		named.add(number)
	}
	return set(named)
}
