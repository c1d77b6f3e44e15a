package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kinde-authz/kinde-authz/kinde/kindetest"
)

const (
	domain = "https://bench.kinde.com" // of the issuer, which is never asked: its keys are in a file
	path   = "/api/agents/weather"     // what the requests are for
	few    = 16                        // so many tokens come again and again
)

// tokens are distinct ones of users, about 1 KiB each and all of one length, so that
// the answers to them have one length too.
type tokens struct {
	*kindetest.Issuer
	good    []string
	forged  []string // good ones but for the signature
	expired string
}

// mint signs so many good tokens, on all processors.
func mint(n int) *tokens {
	t := &tokens{Issuer: kindetest.New(domain), good: make([]string, n)}
	claims := t.UserClaims()
	numbered := func(i int) kindetest.Claims {
		return claims.With("jti", fmt.Sprintf("%032d", i)).With("sub", fmt.Sprintf("kp_%016d", i))
	}
	var wait sync.WaitGroup
	for worker := range runtime.NumCPU() {
		wait.Go(func() {
			for i := worker; i < n; i += runtime.NumCPU() {
				t.good[i] = t.Sign(numbered(i))
			}
		})
	}
	wait.Wait()
	for _, token := range t.good[:min(n, 1000)] {
		t.forged = append(t.forged, forge(token))
	}
	past := t.Now().Add(-time.Hour).Unix()
	t.expired = t.Sign(numbered(0).With("iat", past-1).With("exp", past))
	return t
}

// forge replaces the signature by a random number that is below the modulus, so that
// only the RSA operation tells.
func forge(token string) string {
	var signature [256]byte
	_, _ = rand.Read(signature[1:]) // never fails
	return token[:strings.LastIndexByte(token, '.')+1] + base64.RawURLEncoding.EncodeToString(signature[:])
}

// verify verifies signatures for a time, and does nothing else: the hash and crypto/rsa.
// All processors do so at once, since they are as busy in the cases that it is compared
// with, and neighbours slow each other down.
func (t *tokens) verify(duration time.Duration) (sample, error) {
	key := &t.PrivateKey().PublicKey
	at := strings.LastIndexByte(t.good[0], '.')
	signature, err := base64.RawURLEncoding.DecodeString(t.good[0][at+1:])
	if err != nil {
		return sample{}, err
	}
	return repeat(duration, slices.Repeat([]func(int) error{func(int) error {
		digest := sha256.Sum256([]byte(t.good[0][:at]))
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
	}}, runtime.NumCPU()))
}

// checkRequest returns the bytes of what Envoy 1.40 sends of a plain request with the
// project's envoy.yaml; an empty token is left out.
func checkRequest(token string) []byte {
	list := []*corev3.HeaderValue{{Key: "x-request-id", RawValue: []byte("24bf4693-9d94-4ccc-97e4-e51910ec5807")}}
	if token != "" {
		list = append(list, &corev3.HeaderValue{Key: "authorization", RawValue: []byte("Bearer " + token)})
	}
	message, err := proto.Marshal(&authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Source: peer(36682), Destination: peer(8080),
		Request: &authv3.AttributeContext_Request{
			Time: &timestamppb.Timestamp{Seconds: 1795532991, Nanos: 124735000},
			Http: &authv3.AttributeContext_HttpRequest{
				Id: "2274290884077098940", Method: "GET", Path: path, Host: "127.0.0.1:8080", Scheme: "http",
				Protocol: "HTTP/1.1", HeaderMap: &corev3.HeaderMap{Headers: list},
			},
		},
		MetadataContext: &corev3.Metadata{}, RouteMetadataContext: &corev3.Metadata{},
	}})
	if err != nil {
		panic(err) // all texts are ASCII
	}
	return message
}

func peer(port uint32) *authv3.AttributeContext_Peer {
	return &authv3.AttributeContext_Peer{Address: &corev3.Address{Address: &corev3.Address_SocketAddress{
		SocketAddress: &corev3.SocketAddress{
			Address: "127.0.0.1", PortSpecifier: &corev3.SocketAddress_PortValue{PortValue: port},
		},
	}}}
}
