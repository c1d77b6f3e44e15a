package authz

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/kinde-authz/kinde-authz/kinde"
)

// The path through the generated types is the reference for the one that is
// shipped, which reads and writes bytes: it says in the plainest way what a
// request is and what an answer must be.

// referenceRequest reads what a decision needs. Envoy sends headers in a map, or
// in a list with encode_raw_headers; each level of the message may be missing.
func referenceRequest(check *authv3.CheckRequest) *Request {
	attributes := check.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	request := NewRequest(http.GetMethod(), http.GetPath(), http.GetHeaders(), attributes.GetContextExtensions())
	for _, header := range http.GetHeaderMap().GetHeaders() {
		value := header.GetValue()
		if raw := header.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		request.addHeader(header.GetKey(), value)
	}
	return request
}

// referenceResponse is a decision in Envoy's terms; token is the verified one.
func referenceResponse(a *Authorizer, request *Request, d *Decision, token *kinde.Token) *authv3.CheckResponse {
	if !d.Allowed() {
		return referenceDenial(d)
	}
	var set []Header
	if d.Reason == Allowed {
		set = a.headers.of(token)
	}
	headers := make([]*corev3.HeaderValueOption, 0, len(set))
	for _, h := range set {
		headers = append(headers, replaceHeader(h.Name, h.Value))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			Headers: headers, HeadersToRemove: referenceRemove(a, request, set),
		}},
		DynamicMetadata: referenceMetadata(d),
	}
}

// referenceRemove returns every owned name that is not set and every name of the
// request that an upstream could take for one.
func referenceRemove(a *Authorizer, request *Request, set []Header) []string {
	isSet := func(name string) bool {
		return slices.ContainsFunc(set, func(h Header) bool { return strings.EqualFold(h.Name, name) })
	}
	var remove []string
	for _, name := range slices.Concat(a.headers.owned, request.Identity) {
		if !isSet(name) {
			remove = append(remove, name)
		}
	}
	remove = append(remove, a.headers.drop...)
	slices.Sort(remove)
	return slices.Compact(remove)
}

func referenceDenial(d *Decision) *authv3.CheckResponse {
	a := answers[d.Reason]
	headers := []*corev3.HeaderValueOption{replaceHeader("content-type", "application/json")}
	if challenge := referenceChallenge(d, a); challenge != "" {
		headers = append(headers, replaceHeader("www-authenticate", challenge))
	}
	if a.code == codes.Unavailable {
		headers = append(headers, replaceHeader("retry-after", retryAfter))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(a.code), Message: string(d.Reason)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status: &typev3.HttpStatus{Code: typev3.StatusCode(a.status)}, Headers: headers, Body: referenceBody(d, a),
		}},
		DynamicMetadata: referenceMetadata(d),
	}
}

func replaceHeader(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: name, Value: value},
		Append:       wrapperspb.Bool(false), //nolint:staticcheck // deprecated, and still read by the releases in use
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

func referenceChallenge(d *Decision, a *answer) string {
	if a.code != codes.Unauthenticated && a.error != lacksScope {
		return ""
	}
	parts := []string{`realm="` + realm + `"`}
	if a.error != "" {
		parts = append(parts, `error="`+a.error+`"`, `error_description="`+a.description+`"`)
	}
	if d.policy != nil && d.policy.scope != "" {
		parts = append(parts, `scope="`+d.policy.scope+`"`)
	}
	if d.resource() != nil {
		parts = append(parts, `resource_metadata="`+d.resource().metadata+`"`)
	}
	return "Bearer " + strings.Join(parts, ", ")
}

func referenceBody(d *Decision, a *answer) string {
	if d.Reason == MetadataDocument {
		return d.resource().document
	}
	text, err := json.Marshal(struct {
		Error       string `json:"error,omitempty"`
		Description string `json:"error_description"`
		Reason      Reason `json:"reason"`
		DecisionID  string `json:"decision_id"`
	}{a.error, a.description, d.Reason, d.ID.String()})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func referenceMetadata(d *Decision) *structpb.Struct {
	facts := map[string]string{"decision": d.Verdict(), "reason": string(d.Reason), "decision_id": d.ID.String(), "policy": d.Policy()}
	if id := d.identity; id != nil {
		facts["actor"], facts["user_id"], facts["client_id"], facts["org_code"] = string(id.actor.word()), id.part(id.user), id.part(id.client), id.part(id.org)
	}
	fields := map[string]*structpb.Value{}
	for name, value := range facts {
		if value != "" {
			fields[name] = structpb.NewStringValue(value)
		}
	}
	return &structpb.Struct{Fields: fields}
}

// assertEqual checks that the bytes of an answer say the same as the reference,
// but for its ID, which is random, and the order of names to remove.
func assertEqual(t *testing.T, a *Authorizer, bytes []byte, request *Request, token *kinde.Token, answer []byte) *authv3.CheckResponse {
	t.Helper()
	d := a.Decide(t.Context(), request)
	return assertAnswer(t, bytes, answer, &d, func() *authv3.CheckResponse { return referenceResponse(a, request, &d, token) })
}

// assertAnswer is assertEqual for a decision that is known. It takes over the
// answer's ID before the reference is made.
func assertAnswer(t *testing.T, bytes, answer []byte, d *Decision, reference func() *authv3.CheckResponse) *authv3.CheckResponse {
	t.Helper()
	got := &authv3.CheckResponse{}
	if err := proto.Unmarshal(answer, got); err != nil {
		t.Fatalf("the answer is no CheckResponse: %v", err)
	}
	copy(d.ID[:], got.GetDynamicMetadata().GetFields()["decision_id"].GetStringValue())
	want := reference()
	slices.Sort(got.GetOkResponse().GetHeadersToRemove())
	if !proto.Equal(got, want) {
		t.Fatalf("request %q\n got %v\nwant %v", bytes, got, want)
	}
	return got
}
