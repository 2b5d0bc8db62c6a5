// Package ehpc is the E-HPC 2018-04-12 API in Go: the actions that ehpcflow
// calls, the words of their answers, and what each error code means.
//
// The vendor's SDK (alibaba-cloud-sdk-go v1.63.107) no longer contains these
// actions, so the package declares their requests and answers itself and uses
// the SDK for building the query, for credentials and for signing. It sends with
// net/http, so that contexts, timeouts and TLS are Go's own.
//
// Three promises hold for every call:
//
//   - A submit is sent at most once: no retry, no redirect, no kept-alive
//     connection over which net/http could replay it.
//   - No error text holds a URL, an access key, a signature or a token.
//   - An answer without the fields that matter is an error, whatever its status.
//
// The package has never heard of Temporal; package activities decides when a
// call is repeated.
package ehpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"

	"ehpcflow/ehpc/catalogue"
)

const (
	apiVersion = "2018-04-12"

	// defaultTimeout bounds one whole exchange, from connecting to the last
	// byte of the answer.
	defaultTimeout = 15 * time.Second

	// idleConnections are kept for the next reads: all go to one host.
	idleConnections = 32

	// maxSubmitWait bounds a submit's wait for the request budget.
	maxSubmitWait = 10 * time.Second

	// maxBody bounds an answer. The largest legitimate one, a page of 50
	// results with 24 KB of output each and every byte of it escaped, stays under
	// 9 MiB.
	maxBody = 16 << 20
)

// Config says which service to talk to and as whom.
type Config struct {
	// Region is the cloud region, such as "cn-hangzhou". It is sent as
	// RegionId and names the default endpoint. Required without an Endpoint.
	Region string

	// Endpoint overrides the region's public endpoint,
	// https://ehpc.<region>.aliyuncs.com. Without a scheme, HTTPS is meant;
	// plain HTTP must be spelled out.
	Endpoint string

	// Credentials signs the calls. Nil means the vendor's default chain:
	// environment, OIDC, CLI profile, credentials file, ECS role, URI.
	Credentials credentials.CredentialsProvider

	// Timeout bounds one call, without its wait for the Budget, which is without
	// bounds but for a submit's, 10 s. Default 15 s.
	Timeout time.Duration

	// Budget shares the account's request quota. Nil means one of the client's
	// own, with the default ceiling.
	Budget *Budget
}

// Client calls the E-HPC API. It is safe for concurrent use.
type Client struct {
	endpoint *url.URL
	region   string
	signer   *signer
	timeout  time.Duration
	budget   *Budget
	metrics  *callMetrics

	// reads may share connections; submits never do, see submitTransport.
	reads   *http.Client
	submits *http.Client
}

// New returns a client for the configured service. It resolves the credentials
// once, so that a missing or half-set one is reported here, by name, and not in
// the middle of a run.
func New(cfg Config) (*Client, error) {
	endpoint, err := parseEndpoint(cfg)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(cfg.Credentials)
	if err != nil {
		return nil, err
	}
	timeout := cfg.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	budget := cfg.Budget
	if budget == nil {
		budget = NewBudget(DefaultCeiling)
	}
	return &Client{
		endpoint: endpoint,
		region:   cfg.Region,
		signer:   signer,
		timeout:  timeout,
		budget:   budget,
		metrics:  newCallMetrics(),
		reads:    &http.Client{Transport: readTransport(), CheckRedirect: refuseRedirect},
		submits:  &http.Client{Transport: submitTransport(), CheckRedirect: refuseRedirect},
	}, nil
}

// Endpoint is the address that the client calls, for logs.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// CheckEndpoint says why an address cannot be a Config's Endpoint. The error holds no
// secret, whatever the address does.
func CheckEndpoint(address string) error {
	_, err := parseEndpoint(Config{Endpoint: address})
	return err
}

func parseEndpoint(cfg Config) (*url.URL, error) {
	text := cfg.Endpoint
	if text == "" {
		if cfg.Region == "" {
			return nil, errors.New("no region and no endpoint: give a region such as cn-hangzhou, or the address of an E-HPC endpoint")
		}
		text = "ehpc." + cfg.Region + ".aliyuncs.com"
	}
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	// Before anything quotes the address: it may hold a password.
	if strings.ContainsAny(text, "@?#") {
		return nil, errEndpointParts
	}
	endpoint, err := url.Parse(text)
	if err != nil || endpoint.Hostname() == "" {
		return nil, fmt.Errorf("endpoint %q is not an address: use HOST, https://HOST or http://HOST", text)
	}
	if endpoint.Scheme != "https" && endpoint.Scheme != "http" {
		return nil, fmt.Errorf("endpoint %q: the scheme is %q, use https or http", text, endpoint.Scheme)
	}
	if strings.Trim(endpoint.Path, "/") != "" {
		return nil, errEndpointParts
	}
	return &url.URL{Scheme: endpoint.Scheme, Host: endpoint.Host}, nil
}

var errEndpointParts = errors.New("the endpoint takes a scheme and a host only, without user, path or query")

// readTransport is Go's default one: a repeated read does no harm.
func readTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = idleConnections
	return t
}

// submitTransport cannot send a request twice. net/http replays a body-less GET
// when a reused connection dies after the request was read (observed: the
// service sees the command twice under one nonce, the caller sees success), and
// HTTP/2 has retries of its own; so every submit has a fresh HTTP/1 connection.
func submitTransport() *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	t.ForceAttemptHTTP2 = false
	t.Protocols = new(http.Protocols)
	t.Protocols.SetHTTP1(true)
	// Clone copies the offer of HTTP/2 too: a server that took it up could not be
	// understood.
	if t.TLSClientConfig != nil {
		t.TLSClientConfig.NextProtos = nil
	}
	return t
}

// refuseRedirect keeps a signed request from being sent to another address.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// read performs a call that changes nothing and may be repeated.
func (c *Client) read(ctx context.Context, req request) ([]byte, error) {
	return c.readWithin(ctx, 0, req)
}

// readWithin performs a read that may go late by the slack.
func (c *Client) readWithin(ctx context.Context, slack time.Duration, req request) ([]byte, error) {
	return c.call(ctx, Reads, slack, c.reads, req)
}

// submit performs a call that starts or stops something and must not be repeated.
func (c *Client) submit(ctx context.Context, req request) ([]byte, error) {
	return c.call(ctx, Submits, 0, c.submits, req)
}

// call waits for the budget, then exchanges request and answer. It is counted and traced.
func (c *Client) call(ctx context.Context, priority Priority, slack time.Duration, via *http.Client, req request) (body []byte, err error) {
	action := req.subject().action
	req.countedBy(c.metrics)
	ctx, span := startSpan(ctx, action)
	defer func() {
		c.metrics.ended(action, err)
		endSpan(span, body, err)
	}()
	budget, since := c.budget.of(req.subject().clusterID), time.Now()
	err = await(ctx, budget, priority, slack)
	c.metrics.waited(priority, since)
	if err != nil {
		return nil, req.subject().failure(catalogue.NotSent, "given up while it waited for the request budget", err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	since = time.Now()
	body, err = c.exchange(ctx, via, req)
	c.metrics.seconds.WithLabelValues(action).Observe(time.Since(since).Seconds())
	if err == nil {
		return body, nil
	}
	judgement := Judge(err)
	if judgement.Read == catalogue.Throttled {
		budget.Throttled(judgement.RetryAfter)
	}
	if judgement.Code == catalogue.TokenExpired {
		c.signer.expired()
	}
	return nil, err
}

// await waits for the budget. A submit that cannot be sent soon is given back: its
// caller has to know in a bounded time whether it was sent.
func await(ctx context.Context, budget *Budget, priority Priority, slack time.Duration) error {
	if priority == Submits {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, maxSubmitWait)
		defer cancel()
	}
	return budget.Wait(ctx, priority, slack)
}

func (c *Client) exchange(ctx context.Context, via *http.Client, req request) ([]byte, error) {
	subject := req.subject()
	signed, credential, err := c.signer.sign(ctx, req, c.endpoint, c.region)
	if err != nil {
		return nil, subject.failure(catalogue.NoCredentials, err.Error(), err)
	}
	secrets := func() []string {
		return escapes(append(secretsOf(credential, signed.GetQueryParams()["Signature"]), subject.secrets...))
	}
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
		WroteRequest: func(wrote httptrace.WroteRequestInfo) {
			if wrote.Err == nil {
				c.metrics.requests.WithLabelValues(subject.action).Inc()
			}
		},
	}
	httpReq, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), signed.GetMethod(), signed.BuildUrl(), nil)
	if err != nil {
		return nil, subject.failure(catalogue.BadRequest, "the request could not be built", nil)
	}
	for k, v := range signed.GetHeaders() {
		httpReq.Header.Set(k, v)
	}

	resp, err := via.Do(httpReq)
	if err != nil {
		return nil, subject.transportFailure(ctx, err, connected.Load(), secrets)
	}
	defer resp.Body.Close() //nolint:errcheck // the body was read; closing it can no longer lose anything

	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, subject.transportFailure(ctx, err, true, secrets)
	case len(body) > maxBody:
		return nil, subject.failure(catalogue.BadResponse, fmt.Sprintf("the answer is larger than %d MiB", maxBody>>20), nil)
	}
	if failure := subject.serviceFailure(resp, body, secrets); failure != nil {
		return nil, failure
	}
	return body, nil
}
