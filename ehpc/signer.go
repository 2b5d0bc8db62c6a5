package ehpc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
)

// Environment variables of the vendor's chain that hold a static credential.
const (
	envAccessKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	envAccessKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	envSecurityToken   = "ALIBABA_CLOUD_SECURITY_TOKEN" //nolint:gosec // a name, not a token
)

// request is one call before it is signed.
type request interface {
	requests.AcsRequest
	subject() subject

	// A request knows where it is counted, once it was sent.
	countedBy(*callMetrics)
	counted() *callMetrics
}

// signer signs requests with the vendor's signature version 1.
type signer struct {
	// The vendor's providers refresh and remember without a lock of their own;
	// holding the token is having that lock.
	token    chan struct{}
	provider credentials.CredentialsProvider

	// static says that the provider has nothing to wait for.
	static bool

	// renew makes the provider anew after a failure: the vendor's chain sticks to
	// the last provider that it tried. Nil for a provider that was given.
	renew func() credentials.CredentialsProvider
}

func newSigner(provider credentials.CredentialsProvider) (*signer, error) {
	s := &signer{token: make(chan struct{}, 1), provider: provider}
	switch provider.(type) {
	case *credentials.StaticAKCredentialsProvider, *credentials.StaticSTSCredentialsProvider:
		s.static = true
	case nil:
		if err := checkEnvironment(); err != nil {
			return nil, err
		}
		s.renew = func() credentials.CredentialsProvider { return credentials.NewDefaultCredentialsProvider() }
		s.provider = s.renew()
	}
	if _, err := s.credentials(context.Background()); err != nil {
		return nil, err
	}
	return s, nil
}

// checkEnvironment reports a half-set static credential by name. The vendor's
// chain would pass over it and look elsewhere.
func checkEnvironment() error {
	id, secret := os.Getenv(envAccessKeyID) != "", os.Getenv(envAccessKeySecret) != ""
	switch {
	case id && !secret:
		return fmt.Errorf("%s is set but %s is not: set both, or neither to use a profile or a role", envAccessKeyID, envAccessKeySecret)
	case secret && !id:
		return fmt.Errorf("%s is set but %s is not: set both, or neither to use a profile or a role", envAccessKeySecret, envAccessKeyID)
	case os.Getenv(envSecurityToken) != "" && !id:
		return fmt.Errorf("%s is set but %s and %s are not: a token is of use only together with its key", envSecurityToken, envAccessKeyID, envAccessKeySecret)
	}
	return nil
}

// credentials asks the provider, which may refresh an expiring token over the
// network; the context bounds the wait for it, not the refresh itself.
func (s *signer) credentials(ctx context.Context) (*credentials.Credentials, error) {
	if s.static {
		return ask(s.provider)
	}
	select {
	case s.token <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	type outcome struct {
		cc  *credentials.Credentials
		err error
	}
	got := make(chan outcome, 1)
	go func() {
		defer func() { <-s.token }()
		cc, err := ask(s.provider)
		if err != nil && s.renew != nil {
			s.provider = s.renew()
		}
		got <- outcome{cc, err}
	}()
	select {
	case o := <-got:
		return o.cc, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// expired makes the next call look for a credential from the beginning.
func (s *signer) expired() {
	if s.renew == nil {
		return
	}
	s.token <- struct{}{}
	defer func() { <-s.token }()
	s.provider = s.renew()
}

// ask drops the provider's own error text, which can quote answers of the token
// service. A panic of the vendor's code (it dereferences absent fields) means no
// credential.
func ask(provider credentials.CredentialsProvider) (cc *credentials.Credentials, err error) {
	defer func() {
		if recover() != nil {
			cc, err = nil, errNoCredentials
		}
	}()
	cc, err = provider.GetCredentials()
	if err != nil || cc == nil || cc.AccessKeyId == "" || cc.AccessKeySecret == "" {
		return nil, errNoCredentials
	}
	return cc, nil
}

var errNoCredentials = errors.New("no usable cloud credential: set " + envAccessKeyID + " and " + envAccessKeySecret +
	" (and " + envSecurityToken + " for a temporary one), or give this machine an Alibaba Cloud profile or ECS role")

// sign completes the request and returns, beside it, the credential that it was
// signed with, for cleaning what the service may quote back.
func (s *signer) sign(ctx context.Context, req request, endpoint *url.URL, region string) (requests.AcsRequest, *credentials.Credentials, error) {
	cc, err := s.credentials(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := requests.InitParams(req); err != nil {
		return nil, nil, errors.New("the parameters could not be encoded")
	}
	req.SetScheme(endpoint.Scheme)
	req.SetDomain(endpoint.Host)
	if err := auth.Sign(req, nil, region, fixed{cc}); err != nil {
		return nil, nil, errors.New("the request could not be signed")
	}
	return req, cc, nil
}

// fixed hands one already resolved credential to the vendor's signing code.
type fixed struct{ cc *credentials.Credentials }

func (f fixed) GetCredentials() (*credentials.Credentials, error) { return f.cc, nil }
func (f fixed) GetProviderName() string                           { return f.cc.ProviderName }

func secretsOf(cc *credentials.Credentials, signature string) []string {
	return []string{cc.AccessKeyId, cc.AccessKeySecret, cc.SecurityToken, cc.BearerToken, signature}
}

// escapes lists secrets in the forms in which a request or a quote of it holds them.
func escapes(secrets []string) []string {
	var forms []string
	for _, secret := range secrets {
		if secret != "" {
			once := url.QueryEscape(secret)
			forms = append(forms, secret, once, url.QueryEscape(once))
		}
	}
	return forms
}

// quoted finds where a text begins to quote the request: its URL, or the string
// that was signed, which the real gateway shows after a signature mismatch. Key,
// token and command follow, in one escaping or another.
var quoted = regexp.MustCompile(`(?is)(string.?to.?sign|\S*\?\S+=|(AccessKeyId|SecurityToken|Signature)(=|%3D|%253D)).*`)

// maxQuote bounds what is looked at of a text from outside, in bytes; far less of it
// is shown.
const maxQuote = 64 << 10

// redact removes what quotes the request, and every secret, from text that came
// from outside.
func redact(text string, secrets []string) string {
	text = quoted.ReplaceAllString(text[:min(len(text), maxQuote)], "(removed)")
	if len(secrets) == 0 {
		return text
	}
	var patterns []string
	for _, secret := range secrets {
		patterns = append(patterns, regexp.QuoteMeta(secret))
	}
	// Escapes come in both cases (%2B, %2b), and a key may begin another.
	pattern := regexp.MustCompile("(?i)" + strings.Join(patterns, "|"))
	pattern.Longest()
	return pattern.ReplaceAllString(text, "(removed)")
}
