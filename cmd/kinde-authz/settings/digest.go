package settings

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// DigestHeader is what a running service answers gRPC health checks with beside
// the status: the digest of its settings.
const DigestHeader = "kinde-authz-settings"

// Unlike says how the settings differ from those of a running service, by the
// digest that it told. It is empty where they do not.
func (s *Settings) Unlike(digest string) string {
	switch own := s.Digest(); digest {
	case own:
		return ""
	case "":
		return "it does not say which settings it has: it is another version, or no kinde-authz"
	default:
		return fmt.Sprintf("it has other settings (%s) than these (%s): it can decide differently", digest, own)
	}
}

// Digest tells two settings apart that decide differently. The order of what is
// looked up by name, and of what is one of a set, changes nothing, nor does what
// decides nothing, like ports and the log.
func (s *Settings) Digest() string {
	config := s.Authorizer
	config.CachedTokens, config.Cache, config.Encode = 0, nil, nil
	if config.Assertion != nil { // what it says counts, its keys do not
		said := *config.Assertion
		said.Keys, said.Now = nil, nil
		config.Assertion = &said
	}
	issuers := make(map[string]any, len(s.Verifier.Issuers))
	for _, issuer := range s.Verifier.Issuers {
		issuers[issuer.Domain] = canonical(reflect.ValueOf(issuer))
	}
	resources := make(map[string]any, len(config.Resources))
	for _, resource := range config.Resources {
		resources[resource.Identifier] = canonical(reflect.ValueOf(resource))
	}
	config.Resources = nil
	text, err := json.Marshal([]any{issuers, resources, s.Verifier.Leeway, s.Verifier.InsecureHTTP,
		canonical(reflect.ValueOf(config))})
	if err != nil {
		panic(err) // canonical makes nothing that JSON cannot hold
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// canonical returns a value as what JSON writes in one way only: structs and maps
// by name, lists of strings sorted. Functions and interfaces are no settings.
func canonical(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Struct:
		fields := make(map[string]any)
		for i := range v.NumField() {
			if !v.Field(i).IsZero() {
				fields[v.Type().Field(i).Name] = canonical(v.Field(i))
			}
		}
		return fields
	case reflect.Map:
		entries := make(map[string]any, v.Len())
		for _, key := range v.MapKeys() {
			entries[fmt.Sprint(key)] = canonical(v.MapIndex(key))
		}
		return entries
	case reflect.Slice:
		return canonicalList(v)
	case reflect.Pointer:
		return canonical(v.Elem())
	case reflect.String:
		return v.String()
	case reflect.Bool:
		return v.Bool()
	}
	switch {
	case v.CanInt():
		return v.Int()
	case v.CanUint():
		return v.Uint()
	case v.CanFloat():
		return v.Float()
	default:
		return nil
	}
}

func canonicalList(v reflect.Value) any {
	if v.Type().Elem().Kind() == reflect.String {
		words := make([]string, v.Len())
		for i := range words {
			words[i] = v.Index(i).String()
		}
		slices.Sort(words)
		return slices.Compact(words)
	}
	items := make([]any, v.Len())
	for i := range items {
		items[i] = canonical(v.Index(i))
	}
	return items
}
