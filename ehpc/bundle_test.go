package ehpc_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
)

const (
	keyID     = "LTAI5tTestTestTest"
	keySecret = "s3cret/With+Signs="
	token     = "CAIS+token/with=signs"
)

// listen accepts connections and hands each to a function, which may keep it open
// until the test ends.
func listen(t *testing.T, handle func(net.Conn)) (address string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close() //nolint:errcheck // the test has what it wanted
				handle(conn)
			}()
		}
	}()
	return listener.Addr().String()
}

// service is an HTTP server that answers as a test says and keeps the requests.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

func serve(t *testing.T, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) received() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// serveBody answers every request with the same status and body.
func serveBody(t *testing.T, status int, body string) *service {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
}

func connect(t *testing.T, endpoint string) *ehpc.Client {
	t.Helper()
	return connectAs(t, ehpc.Config{Endpoint: endpoint, Credentials: static(), Budget: ehpc.NewBudget(1000)})
}

func static() credentials.CredentialsProvider {
	return credentials.NewStaticAKCredentialsProvider(keyID, keySecret)
}

func connectAs(t *testing.T, cfg ehpc.Config) *ehpc.Client {
	t.Helper()
	if cfg.Region == "" {
		cfg.Region = "cn-hangzhou"
	}
	c, err := ehpc.New(cfg)
	require.NoError(t, err)
	return c
}

func wire(t *testing.T, name string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "wire", name))
	require.NoError(t, err)
	return string(body)
}

func submitRequest() ehpc.InvokeShellCommandRequest {
	return ehpc.InvokeShellCommandRequest{
		ClusterID: "ehpc-hz-1", Command: "uptime", InstanceIDs: []string{"i-a", "i-b"}, Timeout: 60,
	}
}

func statusRequest() ehpc.ListInvocationStatusRequest {
	return ehpc.ListInvocationStatusRequest{ClusterID: "ehpc-hz-1", CommandID: "c-1"}
}

func resultsRequest() ehpc.ListInvocationResultsRequest {
	return ehpc.ListInvocationResultsRequest{ClusterID: "ehpc-hz-1", CommandID: "c-1", PageNumber: 1, PageSize: 50}
}

// signatureOf computes signature version 1 from its description alone.
func signatureOf(method string, query url.Values, secret string) string {
	escape := func(text string) string {
		text = url.QueryEscape(text)
		text = strings.ReplaceAll(text, "+", "%20")
		text = strings.ReplaceAll(text, "*", "%2A")
		return strings.ReplaceAll(text, "%7E", "~")
	}
	var keys []string
	for key := range query {
		if key != "Signature" {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var pairs []string
	for _, key := range keys {
		pairs = append(pairs, escape(key)+"="+escape(query.Get(key)))
	}
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(method + "&%2F&" + escape(strings.Join(pairs, "&"))))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func failure(t *testing.T, err error) *ehpc.Error {
	t.Helper()
	var e *ehpc.Error
	require.ErrorAs(t, err, &e)
	return e
}

const soon = 5 * time.Second
