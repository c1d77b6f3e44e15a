package authz

import (
	"encoding/json"
	"fmt"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// realm is the protection space of a challenge (RFC 9110, section 11.5).
const realm = "kinde"

// retryAfter is how long a client is asked to wait, in seconds: the issuer is
// asked again within ten.
const retryAfter = "5"

// newResponse turns a decision into Envoy's terms. No other function makes a
// response: for Envoy a status of zero, or none, is an allow.
func newResponse(d *Decision) *authv3.CheckResponse {
	if d.allowed && d.Reason == Allowed {
		return okResponse(d)
	}
	return deniedResponse(d)
}

func okResponse(d *Decision) *authv3.CheckResponse {
	headers := make([]*corev3.HeaderValueOption, 0, len(d.Set))
	for _, h := range d.Set {
		headers = append(headers, replaceHeader(h.Name, h.Value))
	}
	return &authv3.CheckResponse{
		Status:          &status.Status{Code: int32(codes.OK)},
		HttpResponse:    &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{Headers: headers, HeadersToRemove: d.Remove}},
		DynamicMetadata: metadata(d),
	}
}

func deniedResponse(d *Decision) *authv3.CheckResponse {
	a, known := answers[d.Reason]
	if !known {
		d.Reason, a = InternalError, answers[InternalError]
	}
	headers := []*corev3.HeaderValueOption{replaceHeader("content-type", "application/json")}
	if challenge := challenge(a); challenge != "" {
		headers = append(headers, replaceHeader("www-authenticate", challenge))
	}
	if a.code == codes.Unavailable {
		headers = append(headers, replaceHeader("retry-after", retryAfter))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(a.code), Message: string(d.Reason)}, //nolint:gosec // gRPC has seventeen codes
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(a.status)}, //nolint:gosec // an HTTP status
			Headers: headers,
			Body:    body(d, a),
		}},
		DynamicMetadata: metadata(d),
	}
}

// replaceHeader replaces all values of a header. Both fields are set because
// releases of Envoy differ in what leaving one of them out means.
func replaceHeader(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, Value: value},
		Append:       wrapperspb.Bool(false), //nolint:staticcheck // deprecated, and still read by the releases in use
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// challenge returns the WWW-Authenticate value (RFC 6750, section 3), empty
// where there is none.
func challenge(a answer) string {
	switch {
	case a.code != codes.Unauthenticated:
		return ""
	case a.error == "":
		return fmt.Sprintf("Bearer realm=%q", realm)
	default:
		return fmt.Sprintf("Bearer realm=%q, error=%q, error_description=%q", realm, a.error, a.description)
	}
}

// body is what the caller of a denied request reads. It holds fixed words and
// the decision's ID: an attacker learns the reason and no more.
func body(d *Decision, a answer) string {
	text, err := json.Marshal(struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		Reason      Reason `json:"reason"`
		DecisionID  string `json:"decision_id"`
	}{a.error, a.description, d.Reason, d.ID})
	if err != nil {
		panic(err) // strings always have a JSON form
	}
	return string(text)
}

// metadata is what Envoy's access log, RBAC and rate limits can use.
func metadata(d *Decision) *structpb.Struct {
	fields := map[string]*structpb.Value{}
	set := func(name, value string) {
		if value != "" {
			fields[name] = structpb.NewStringValue(value)
		}
	}
	set("decision", d.Verdict())
	set("reason", string(d.Reason))
	set("decision_id", d.ID)
	set("policy", d.Policy)
	if t := d.Token; t != nil {
		set("actor", string(t.Actor))
		set("user_id", t.Subject)
		set("client_id", t.ClientID)
		set("org_code", t.OrgCode)
	}
	return &structpb.Struct{Fields: fields}
}
