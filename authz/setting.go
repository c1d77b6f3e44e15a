package authz

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// at says of an error at which setting it is. Nil stays nil.
func at(err error, path ...string) error { return kinde.ConfigErrorAt(err, path...) }

var errEmptyList = errors.New("the list is empty: add an item or leave it out")

// checkEach checks the items of a list. One that is there and empty is refused:
// it would look like a guard and guard nothing.
func checkEach[T any](name string, list []T, check func(T) error) error {
	if list != nil && len(list) == 0 {
		return at(errEmptyList, name)
	}
	for i, item := range list {
		if err := check(item); err != nil {
			return at(err, name, strconv.Itoa(i))
		}
	}
	return nil
}

func checkNotEmpty(item string) error {
	if item == "" {
		return errors.New("the item is empty: give it a value or remove it")
	}
	return nil
}

// checkScope refuses what is no scope (RFC 6749, section 3.3): a challenge could
// not name it.
func checkScope(scope string) error {
	for i := range len(scope) {
		if c := scope[i]; c <= ' ' || c > '~' || c == '"' || c == '\\' {
			return fmt.Errorf("%q: want a scope of visible ASCII characters, without spaces, \" and \\", scope)
		}
	}
	return checkNotEmpty(scope)
}
