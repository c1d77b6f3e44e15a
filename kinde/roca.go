package kinde

import "math/big"

// isROCA reports whether a modulus has the fingerprint of keys whose primes were
// made by a faulty library, and can be found from it (CVE-2017-15361; Nemec et al.,
// "The Return of Coppersmith's Attack", 2017, section 5). Such a prime is a power
// of 65537 modulo every small prime, and so is the product of two. Of other keys
// one in some hundred million looks the same.
func isROCA(modulus *big.Int) bool {
	var rest big.Int
	for prime, powers := range rocaPowers {
		if !powers[rest.Mod(modulus, big.NewInt(prime)).Int64()] {
			return false
		}
	}
	return true
}

// rocaPowers holds, for the small primes that tell such keys from others, the
// powers of 65537 modulo the prime.
var rocaPowers = func() map[int64]map[int64]bool {
	all := make(map[int64]map[int64]bool)
	for prime := int64(3); prime <= 167; prime += 2 {
		if !big.NewInt(prime).ProbablyPrime(0) { // without error below 2^64
			continue
		}
		all[prime] = make(map[int64]bool)
		for power := int64(1); !all[prime][power]; power = power * 65537 % prime {
			all[prime][power] = true
		}
	}
	return all
}()
