package extauthz

import (
	"maps"
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

	"github.com/kinde-authz/kinde-authz/authz"
)

// The path through the generated types is the reference for the one that is
// shipped, which reads and writes bytes: it says in the plainest way what a
// request is and what an answer must be.

// sample is a configuration, as the server decides by it and as the reference does.
type sample struct {
	shipped *authz.Authorizer
	plain   *authz.Authorizer // the same without an encoder
	config  authz.Config
}

// referenceRequest reads what a decision needs. Envoy sends headers in a map, or
// in a list with encode_raw_headers; each level of the message may be missing.
func referenceRequest(check *authv3.CheckRequest) *authz.Request {
	attributes := check.GetAttributes()
	http := attributes.GetRequest().GetHttp()
	request := authz.NewRequest(http.GetMethod(), http.GetPath(), http.GetHeaders(), attributes.GetContextExtensions())
	request.Body = string(http.GetRawBody())
	if said := attributes.GetMetadataContext().GetFilterMetadata()[mcpFilter]; said != nil {
		request.Metadata = saidByEnvoy{said}
	}
	for _, header := range http.GetHeaderMap().GetHeaders() {
		value := header.GetValue()
		if raw := header.GetRawValue(); len(raw) > 0 {
			value = string(raw)
		}
		request.AddHeader(header.GetKey(), value)
	}
	return request
}

// saidByEnvoy is what Envoy's MCP filter says, as the generated types have it.
type saidByEnvoy struct{ said *structpb.Struct }

func (s saidByEnvoy) MCPMessage() (authz.MCPMessage, bool) { return mcpMessage(s.said) }

// referenceResponse is a decision in Envoy's terms.
func (s *sample) referenceResponse(request *authz.Request, d *authz.Decision) *authv3.CheckResponse {
	if !d.Allowed() {
		return referenceDenial(d)
	}
	set, _ := d.Headers()
	headers := make([]*corev3.HeaderValueOption, 0, len(set))
	for _, h := range set {
		headers = append(headers, replaceHeader(h))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(codes.OK)},
		HttpResponse: &authv3.CheckResponse_OkResponse{OkResponse: &authv3.OkHttpResponse{
			Headers: headers, HeadersToRemove: s.referenceRemove(request, set),
		}},
		DynamicMetadata: referenceMetadata(d),
	}
}

// ownHeaders are the names that are the service's without settings.
var ownHeaders = []string{
	"x-kinde-actor", "x-kinde-user-id", "x-kinde-client-id", "x-kinde-org-code", "x-kinde-scopes", "x-kinde-permissions",
	"x-kinde-roles",
	"x-kinde-token-id", "x-kinde-token-expires", "x-kinde-issuer", "x-kinde-assertion", "x-kinde-omitted",
}

// referenceRemove returns every owned name that is not set and every name of the
// request that an upstream could take for one.
func (s *sample) referenceRemove(request *authz.Request, set []authz.Header) []string {
	isSet := func(name string) bool {
		return slices.ContainsFunc(set, func(h authz.Header) bool { return strings.EqualFold(h.Name, name) })
	}
	var remove []string
	for _, name := range slices.Concat(ownHeaders, slices.Collect(maps.Keys(s.config.ClaimHeaders)), request.Identity) {
		if !isSet(name) {
			remove = append(remove, name)
		}
	}
	if s.config.DropAuthorization {
		remove = append(remove, "authorization")
	}
	slices.Sort(remove)
	return slices.Compact(remove)
}

// referenceCodes are the gRPC codes that go with HTTP statuses. The document that
// describes a resource is a denial too: the request does not reach the upstream.
var referenceCodes = map[int]codes.Code{
	200: codes.PermissionDenied, 400: codes.InvalidArgument, 401: codes.Unauthenticated, 403: codes.PermissionDenied,
	500: codes.Internal, 503: codes.Unavailable,
}

func referenceDenial(d *authz.Decision) *authv3.CheckResponse {
	var headers []*corev3.HeaderValueOption
	for _, h := range d.AppendAnswerHeaders(nil) {
		headers = append(headers, replaceHeader(h))
	}
	return &authv3.CheckResponse{
		Status: &status.Status{Code: int32(referenceCodes[d.Status()]), Message: string(d.Reason)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status: &typev3.HttpStatus{Code: typev3.StatusCode(d.Status())}, Headers: headers, Body: string(d.AppendBody(nil)),
		}},
		DynamicMetadata: referenceMetadata(d),
	}
}

func replaceHeader(h authz.Header) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: h.Name, Value: h.Value},
		Append:       wrapperspb.Bool(false), //nolint:staticcheck // deprecated, and still read by the releases in use
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

func referenceMetadata(d *authz.Decision) *structpb.Struct {
	facts := map[string]string{
		"decision": d.Effect(), "reason": string(d.Reason), "decision_id": d.ID.String(), "policy": d.Policy(),
		"actor": d.Actor(), "user_id": d.UserID(), "client_id": d.ClientID(), "org_code": d.Org(),
		"mcp_method": d.MCPMethod(), "mcp_tool": d.MCPTool(),
	}
	if facts["actor"] == "none" {
		delete(facts, "actor")
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
func (s *sample) assertEqual(t *testing.T, bytes []byte, request *authz.Request, answer []byte) *authv3.CheckResponse {
	t.Helper()
	d := s.plain.Decide(t.Context(), request)
	if set, remove := d.Headers(); d.Allowed() && !slices.Equal(remove, s.referenceRemove(request, set)) {
		t.Fatalf("request %q: an adapter without an encoder removes %q, want %q",
			bytes, remove, s.referenceRemove(request, set))
	}
	return assertAnswer(t, bytes, answer, &d, func() *authv3.CheckResponse { return s.referenceResponse(request, &d) })
}

// assertAnswer is assertEqual for a decision that is known. It takes over the
// answer's ID before the reference is made.
func assertAnswer(
	t *testing.T, bytes, answer []byte, d *authz.Decision, reference func() *authv3.CheckResponse,
) *authv3.CheckResponse {
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

// Every reason of a denial arrives as the generated types would write it.
func TestEveryDenialIsWrittenAsByTheGeneratedTypes(t *testing.T) {
	for _, reason := range authz.Reasons() {
		d := authz.Denial(reason, "a detail")
		if referenceCodes[d.Status()] == codes.OK {
			t.Errorf("%s: no code goes with the status %d", reason, d.Status())
		}
		answer := appendAnswer(nil, &d)
		assertAnswer(t, []byte(reason), answer, &d, func() *authv3.CheckResponse { return referenceDenial(&d) })
	}
}
