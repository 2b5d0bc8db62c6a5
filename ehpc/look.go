package ehpc

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"ehpcflow/ehpc/catalogue"
)

// maxLook bounds what is read of an answer to Look, in bytes.
const maxLook = 64 << 10

// Sight is what the endpoint answers to anybody.
type Sight struct {
	// API says that the answer reads like one of the API.
	API    bool
	Status int // of HTTP

	// Ahead is how far the endpoint's clock is ahead of this machine's, to a second or
	// two; negative when it is behind. Dated says that the answer told the time.
	Ahead time.Duration
	Dated bool
}

// Look sends a request without a signature, which the service refuses, to see whether
// the endpoint is there and what time it has. It needs no credential, holds none, and
// costs nothing of the request budget.
func (c *Client) Look(ctx context.Context) (Sight, error) {
	subject := subject{action: "the endpoint " + c.Endpoint()}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	query := url.Values{"Action": {"ListClusters"}, "Version": {apiVersion}, "Format": {"JSON"}}
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, trace), http.MethodGet, c.Endpoint()+"/?"+query.Encode(), nil)
	if err != nil {
		return Sight{}, subject.failure(catalogue.BadRequest, "the request could not be built", nil)
	}
	sent := time.Now()
	resp, err := c.reads.Do(req)
	if err != nil {
		return Sight{}, subject.transportFailure(ctx, err, connected.Load(), func() []string { return nil })
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	middle := sent.Add(time.Since(sent) / 2)
	sight := Sight{Status: resp.StatusCode}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// It is cut to the second: half of one makes up for it on average.
		sight.Dated, sight.Ahead = true, date.Add(time.Second/2).Sub(middle)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxLook))
	if err != nil {
		return Sight{}, subject.transportFailure(ctx, err, true, func() []string { return nil })
	}
	var answer errorBody
	sight.API = json.Unmarshal(unwrapped(body), &answer) == nil && answer.Code != ""
	return sight, nil
}

// Region that the calls name; "" is none.
func (c *Client) Region() string { return c.region }

// CredentialSource says where the credential comes from, in words, and whether it is a
// temporary one. It never tells the credential.
func (c *Client) CredentialSource(ctx context.Context) (source string, temporary bool, err error) {
	credential, err := c.signer.credentials(ctx)
	if err != nil {
		return "", false, err
	}
	kind, _, _ := strings.Cut(strings.TrimPrefix(credential.ProviderName, "default/"), "/")
	if words, known := sources[kind]; known {
		kind = words
	}
	return kind, credential.SecurityToken != "", nil
}

// sources are the vendor's names of its providers, in words.
var sources = map[string]string{ //nolint:gosec // names of kinds of credentials, none of them one
	"env":            "the environment",
	"oidc_role_arn":  "an OIDC role",
	"cli_profile":    "the CLI's profile",
	"profile":        "the credentials file",
	"ecs_ram_role":   "the ECS role of the machine",
	"credential_uri": "the URI in ALIBABA_CLOUD_CREDENTIALS_URI",
	"static_ak":      "the program that uses this client",
	"static_sts":     "the program that uses this client",
}
