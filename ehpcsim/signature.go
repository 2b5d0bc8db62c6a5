package ehpcsim

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // signature version 1 is defined on it
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// clockSkew is how far a call's time stamp may be off.
	clockSkew = 15 * time.Minute
	// nonceMemory is how long a nonce stays used at least: longer than a call
	// with it could be within the clock skew.
	nonceMemory = 2 * clockSkew
)

// authenticate checks a call's signature (version 1, HMAC-SHA1), time stamp,
// nonce and, for temporary credentials, token. No message quotes a secret, nor
// the string that was signed.
func (s *Simulator) authenticate(method string, params url.Values) *apiError {
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"} {
		if params.Get(name) == "" {
			return missing(name)
		}
	}
	if params.Get("SignatureMethod") != "HMAC-SHA1" || params.Get("SignatureVersion") != "1.0" {
		return fail("IncompleteSignature")
	}
	key, known := s.keys[params.Get("AccessKeyId")]
	if !known {
		return fail("InvalidAccessKeyId.NotFound")
	}
	if params.Get("SecurityToken") != key.SecurityToken {
		return fail("InvalidSecurityToken.Malformed")
	}
	stamp, err := time.Parse("2006-01-02T15:04:05Z", params.Get("Timestamp"))
	if err != nil {
		return fail("InvalidTimeStamp.Format")
	}
	if time.Since(stamp).Abs() > clockSkew {
		return fail("InvalidTimeStamp.Expired")
	}
	want := sign(method, params, key.Secret)
	if subtle.ConstantTimeCompare([]byte(want), []byte(params.Get("Signature"))) != 1 {
		return fail("SignatureDoesNotMatch")
	}
	return s.useNonce(params.Get("SignatureNonce"))
}

func sign(method string, params url.Values, secret string) string {
	var pairs []string
	for name := range params {
		if name != "Signature" {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(params.Get(name)))
		}
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + percentEncode(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var asPercent = strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~")

func percentEncode(text string) string { return asPercent.Replace(url.QueryEscape(text)) }

func (s *Simulator) useNonce(nonce string) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.noncesSince) > nonceMemory {
		s.oldNonces, s.nonces, s.noncesSince = s.nonces, make(map[string]bool), now
	}
	if s.nonces[nonce] || s.oldNonces[nonce] {
		return fail("SignatureNonceUsed")
	}
	s.nonces[nonce] = true
	return nil
}

func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

func newRequestID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:]))
}
