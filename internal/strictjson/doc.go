// Package strictjson reads JSON that an attacker may have written, so that no two
// readers can take it for different things: names are unique, compared after
// unescaping, strings have a UTF-8 form, nesting is bounded, and nothing follows.
// Most readers want [Parse], or [Walk], which looks into what is nested too.
//
// It works on the text itself: names and values share its memory, and a value is
// read only when somebody asks for it.
package strictjson
