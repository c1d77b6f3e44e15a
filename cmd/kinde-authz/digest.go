package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// digest tells two settings apart that decide differently. The order of what is
// looked up by name, and of what is one of a set, changes nothing, nor does what
// decides nothing, like ports and the log.
func (s *settings) digest() string {
	policy := s.policy
	policy.CachedTokens, policy.Cache, policy.Encode = 0, nil, nil
	issuers := make(map[string]any, len(s.verifier.Issuers))
	for _, issuer := range s.verifier.Issuers {
		issuers[issuer.Domain] = canonical(reflect.ValueOf(issuer))
	}
	text, err := json.Marshal([]any{issuers, s.verifier.Leeway, s.verifier.InsecureHTTP,
		canonical(reflect.ValueOf(policy))})
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
