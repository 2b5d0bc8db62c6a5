package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"ehpcflow/quickstart/stack"
)

// authority signs the certificates of a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // of its certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	template := &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, Subject: pkix.Name{CommonName: "test authority"}}
	a.file, _ = a.issue("ca", template)
	return a
}

// issue makes a certificate and its key, and returns their files.
func (a *authority) issue(name string, template *x509.Certificate) (cert, key string) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	if a.cert == nil {
		a.cert, a.key = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	require.NoError(a.t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(a.t, err)
	if template.IsCA {
		a.cert = parsed
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(a.t, err)
	return a.write(name+".pem", "CERTIFICATE", der), a.write(name+".key", "PRIVATE KEY", raw)
}

func (a *authority) write(name, kind string, der []byte) string {
	a.t.Helper()
	file := filepath.Join(a.dir, name)
	require.NoError(a.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return file
}

func (a *authority) client(name string) (cert, key string) {
	return a.issue(name, &x509.Certificate{Subject: pkix.Name{CommonName: name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
}

// front serves the Temporal of this package under TLS as temporal.test, for whoever shows
// a client certificate of the authority, or, with a key, bears that.
func (a *authority) front(apiKey string) string {
	a.t.Helper()
	cert, key := a.issue("server", &x509.Certificate{DNSNames: []string{"temporal.test"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(a.t, err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if apiKey == "" {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AddCert(a.cert)
	}
	behind, err := grpc.NewClient(temporal.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(a.t, err)
	service, err := proxy.NewWorkflowServiceProxyServer(proxy.WorkflowServiceProxyOptions{Client: workflowservice.NewWorkflowServiceClient(behind)})
	require.NoError(a.t, err)
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)), grpc.UnaryInterceptor(
		func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			incoming, _ := metadata.FromIncomingContext(ctx)
			if apiKey != "" && strings.Join(incoming.Get("authorization"), "") != "Bearer "+apiKey {
				return nil, status.Error(codes.Unauthenticated, "Request unauthorized.")
			}
			return next(ctx, req)
		}))
	workflowservice.RegisterWorkflowServiceServer(server, service)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(a.t, err)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	a.t.Cleanup(func() {
		server.Stop()
		_ = behind.Close() // the test is over
	})
	return listener.Addr().String()
}

func TestARunGoesThroughMutualTLSByTheEnvironmentAndByAProfile(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	a := newAuthority(t)
	address := a.front("")
	cert, key := a.client("ada")
	byEnvironment := s.forPrograms().with("TEMPORAL_ADDRESS", address).
		with("TEMPORAL_TLS_CLIENT_CERT_PATH", cert).with("TEMPORAL_TLS_CLIENT_KEY_PATH", key).
		with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", a.file).with("TEMPORAL_TLS_SERVER_NAME", "temporal.test")
	profile := filepath.Join(t.TempDir(), "temporal.toml")
	require.NoError(t, os.WriteFile(profile, fmt.Appendf(nil, `[profile.prod]
address = "%s"
namespace = "default"
[profile.prod.tls]
client_cert_path = "%s"
client_key_path = "%s"
server_ca_cert_path = "%s"
server_name = "temporal.test"
`, address, cert, key, a.file), 0o600))
	byProfile := s.forPrograms().with("TEMPORAL_CONFIG_FILE", profile).with("TEMPORAL_PROFILE", "prod")
	delete(byProfile, "TEMPORAL_ADDRESS")

	for _, env := range []environment{byEnvironment, byProfile} {
		ran := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--all", "--", "echo through TLS")
		require.Equal(t, 0, ran.code, ran.stderr)
		require.Contains(t, ran.stdout, "through TLS")
	}
}

func TestARunGoesThroughAnAPIKey(t *testing.T) {
	t.Parallel()
	s := newSystem(t, quickPace())
	a := newAuthority(t)
	env := s.forPrograms().with("TEMPORAL_ADDRESS", a.front("sesame-open")).with("TEMPORAL_API_KEY", "sesame-open").
		with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", a.file).with("TEMPORAL_TLS_SERVER_NAME", "temporal.test")
	ran := program(t, env, "starter", "run", "--cluster", stack.ClusterID, "--all", "--", "echo with a key")
	require.Equal(t, 0, ran.code, ran.stderr)
	require.Contains(t, ran.stdout, "with a key")
}

func TestAConnectionThatIsNotMadeNamesTheSettingToMend(t *testing.T) {
	t.Parallel()
	a, stranger := newAuthority(t), newAuthority(t)
	mutual, keyed := a.front(""), a.front("sesame-open")
	cert, key := a.client("ada")
	strangeCert, strangeKey := stranger.client("eve")
	trusting := environment{"TEMPORAL_TLS_SERVER_CA_CERT_PATH": a.file, "TEMPORAL_TLS_SERVER_NAME": "temporal.test"}
	client := func(cert, key string) environment {
		return trusting.with("TEMPORAL_ADDRESS", mutual).with("TEMPORAL_TLS_CLIENT_CERT_PATH", cert).with("TEMPORAL_TLS_CLIENT_KEY_PATH", key)
	}
	good := client(cert, key)
	for name, c := range map[string]struct {
		env  environment
		code int
		said []string
	}{
		"an unknown authority":      {good.with("TEMPORAL_TLS_SERVER_CA_CERT_PATH", stranger.file), 3, []string{mutual, "not trusted here", "TEMPORAL_TLS_SERVER_CA_CERT_PATH"}},
		"another name":              {good.with("TEMPORAL_TLS_SERVER_NAME", "other.test"), 3, []string{"temporal.test, not other.test", "TEMPORAL_TLS_SERVER_NAME"}},
		"no client certificate":     {trusting.with("TEMPORAL_ADDRESS", mutual), 3, []string{"wants a client certificate", "TEMPORAL_TLS_CLIENT_CERT_PATH"}},
		"a stranger's certificate":  {client(strangeCert, strangeKey), 3, []string{"does not trust the client certificate", "TEMPORAL_TLS_CLIENT_CERT_PATH"}},
		"a certificate of no key":   {client(cert, strangeKey), 2, []string{"Temporal settings cannot be used", "private key does not match"}},
		"a file that is not there":  {client(cert+"x", key), 2, []string{cert + "x", "no such file"}},
		"no TLS to a TLS server":    {environment{"TEMPORAL_ADDRESS": mutual}, 3, []string{"it speaks TLS", "TEMPORAL_TLS=true"}},
		"TLS to a plain server":     {trusting.with("TEMPORAL_ADDRESS", temporal.Address()), 3, []string{"does not speak TLS", "TEMPORAL_TLS_"}},
		"no API key":                {trusting.with("TEMPORAL_ADDRESS", keyed), 3, []string{"no API key", "TEMPORAL_API_KEY"}},
		"a wrong API key":           {trusting.with("TEMPORAL_ADDRESS", keyed).with("TEMPORAL_API_KEY", "sesame-shut"), 3, []string{"refuses the API key", "TEMPORAL_API_KEY"}},
		"an API key in plain text":  {environment{"TEMPORAL_ADDRESS": temporal.Address(), "TEMPORAL_API_KEY": "sesame-shut", "TEMPORAL_TLS": "false"}, 2, []string{"TLS is turned off", "TEMPORAL_TLS"}},
		"an API key, plain server":  {environment{"TEMPORAL_ADDRESS": temporal.Address(), "TEMPORAL_API_KEY": "sesame-shut"}, 3, []string{"does not speak TLS", "TEMPORAL_API_KEY"}},
		"a profile that is not one": {environment{"TEMPORAL_PROFILE": "nosuch"}, 2, []string{"nosuch", "profile file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := program(t, c.env, "starter", "status", "any")
			require.Equal(t, c.code, o.code, o.stderr)
			require.Empty(t, o.stdout)
			require.Equal(t, 1, strings.Count(o.stderr, "\n"), o.stderr)
			for _, said := range c.said {
				require.Contains(t, o.stderr, said)
			}
			require.NotContains(t, o.stderr, "sesame")
		})
	}
}
