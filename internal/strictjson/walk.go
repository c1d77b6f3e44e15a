package strictjson

// walker is a scanner that looks into everything.
type walker struct {
	scanner
	depth int
	open  []Member // of the objects that are being read, the outermost first
	visit func(depth int, m Member)
}

// Walk checks a text as [Parse] does, and besides that in no object at any depth a
// name is repeated, and that arrays and objects nest at most so deep, the outermost
// included. It calls visit for each member of each object, those of an object at
// depth 1 being the outermost, a member after all that its value holds. The text
// must be valid UTF-8 already. Members are kept in the room while their object is
// read, and elsewhere when it is full.
func Walk(text string, depth int, room []Member, visit func(depth int, m Member)) bool {
	w := walker{scanner: scanner{text: text}, depth: depth, open: room[:0], visit: visit}
	w.spaces()
	if w.next() != '{' || !w.object(1) {
		return false
	}
	w.spaces()
	return w.at == len(text)
}

// next is the byte that comes next, zero at the end.
func (w *walker) next() byte {
	if w.at == len(w.text) {
		return 0
	}
	return w.text[w.at]
}

// inside reads a value that stands in something at that depth.
func (w *walker) inside(depth int) bool {
	switch w.next() {
	case '{':
		return w.object(depth + 1)
	case '[':
		return w.array(depth + 1)
	default:
		return w.skip(0)
	}
}

func (w *walker) array(depth int) bool {
	if depth > w.depth {
		return false
	}
	w.at++
	w.spaces()
	if w.take(']') {
		return true
	}
	for more := true; more; more = w.take(',') {
		w.spaces()
		if !w.inside(depth) {
			return false
		}
		w.spaces()
	}
	return w.take(']')
}

func (w *walker) object(depth int) bool {
	if depth > w.depth {
		return false
	}
	w.at++
	w.spaces()
	if w.take('}') {
		return true
	}
	first := len(w.open)
	for more := true; more; more = w.take(',') {
		if !w.pair(depth) {
			return false
		}
	}
	if !w.take('}') || repeats(w.open[first:]) {
		return false
	}
	w.open = w.open[:first]
	return true
}

// pair reads a name, a colon and a value, with the spaces around them.
func (w *walker) pair(depth int) bool {
	w.spaces()
	start := w.at
	if !w.str() {
		return false
	}
	name, ok := Value(w.text[start:w.at]).Text()
	w.spaces()
	if !ok || !w.take(':') {
		return false
	}
	w.spaces()
	start = w.at
	if !w.inside(depth) {
		return false
	}
	m := Member{name, Value(w.text[start:w.at])}
	w.open = append(w.open, m)
	w.visit(depth, m)
	w.spaces()
	return true
}
