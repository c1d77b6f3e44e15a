package authz

import (
	"encoding/json"

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
	if d.allowed && (d.Reason == Allowed || d.Reason == Public) {
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
	if challenge := challenge(d, a); challenge != "" {
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

// challenge returns the WWW-Authenticate value, empty where there is none: the
// bearer scheme (RFC 6750, section 3) with what the policy wants, and with where
// to find out how to get a token (RFC 9728, section 5.1). A client that sent no
// token is told of no error.
func challenge(d *Decision, a answer) string {
	if a.code != codes.Unauthenticated && a.error != lacksScope {
		return ""
	}
	text := []byte("Bearer")
	add := func(name, value string) {
		switch {
		case value == "":
			return
		case len(text) > len("Bearer"):
			text = append(text, ',')
		}
		text = append(append(append(append(text, ' '), name...), `="`...), value...)
		text = append(text, '"')
	}
	add("realm", realm)
	if a.error != "" {
		add("error", a.error)
		add("error_description", a.description)
	}
	add("scope", d.scope)
	if d.resource != nil {
		add("resource_metadata", d.resource.metadata)
	}
	return string(text)
}

// body is what the caller of a denied request reads. It holds fixed words and
// the decision's ID: an attacker learns the reason and no more.
func body(d *Decision, a answer) string {
	if d.Reason == MetadataDocument && d.resource != nil {
		return d.resource.document
	}
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
