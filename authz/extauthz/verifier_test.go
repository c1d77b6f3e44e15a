package extauthz_test

import (
	"context"

	"github.com/kinde-authz/kinde-authz/kinde"
)

const domain = "https://yourapp.kinde.com"

// verified stands for a [kinde.Verifier] that has accepted the token.
type verified kinde.Token

func (v verified) Judge(context.Context, string) kinde.Verdict {
	token := kinde.Token(v)
	return kinde.Verdict{Token: &token}
}
