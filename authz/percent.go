package authz

// joined writes a list with a separator that can stand in no member.
func joined(items []string, separator byte) string {
	if len(items) == 0 {
		return ""
	}
	length := len(items)
	for _, item := range items {
		length += len(item)
	}
	out := make([]byte, 0, length)
	for i, item := range items {
		if i > 0 {
			out = append(out, separator)
		}
		out = appendEncoded(out, item, ',')
	}
	return string(out)
}

// encoded writes a single value.
func encoded(s string) string {
	for i := range len(s) {
		if !plain(s[i]) {
			return string(appendEncoded(nil, s, '%'))
		}
	}
	return s
}

// appendEncoded writes visible ASCII as it is and percent-encodes every other
// byte of the UTF-8 text, the percent sign and one reserved byte.
func appendEncoded(out []byte, s string, reserved byte) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		if c := s[i]; plain(c) && c != reserved {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return out
}

func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '%' }
