package kindetest_test

import (
	"fmt"
	"strings"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

func ExampleServer() {
	issuer := kindetest.NewServer()
	defer issuer.Close()

	good := issuer.Token(issuer.MachineClaims().With("org_code", "org_globex"))
	fmt.Println("segments:", strings.Count(good, ".")+1)

	expired, err := issuer.Broken("expired")
	fmt.Println("segments:", strings.Count(expired, ".")+1, err)
	// Output:
	// segments: 3
	// segments: 3 <nil>
}
