package ehpc_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
)

const secretCommand = "mount -o password=hunter2"

func TestNoErrorHoldsASecretOrAURL(t *testing.T) {
	t.Parallel()
	// The gateway quotes what it signed when a signature does not match.
	quoting := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"Code":"SignatureDoesNotMatch","RequestId":%q,"Message":"not matched. server string to sign is:GET&%%2F&%s"}`,
			r.URL.Query().Get("Signature"), url.QueryEscape(r.URL.RawQuery))
	}
	echoing := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		q := r.URL.Query()
		fmt.Fprintf(w, `{"Code":"InternalError","Message":"%s %s %s %s %s"}`, q.Get("AccessKeyId"), q.Get("Signature"),
			q.Get("SecurityToken"), url.QueryEscape(q.Get("SecurityToken")), url.QueryEscape(url.QueryEscape(q.Get("Signature"))))
	}
	resetting := func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}
	cutting := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = w.Write([]byte("{"))
	}
	hanging := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

	for name, answer := range map[string]http.HandlerFunc{
		"quoted": quoting, "echoed": echoing, "reset": resetting, "cut": cutting, "timeout": hanging, "refused": nil, "canceled": hanging,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := "http://127.0.0.1:1"
			if answer != nil {
				endpoint = serve(t, answer).URL
			}
			c := connectAs(t, ehpc.Config{
				Endpoint: endpoint, Timeout: 300 * time.Millisecond,
				Credentials: credentials.NewStaticSTSCredentialsProvider(keyID, keySecret, token),
			})
			ctx := t.Context()
			if name == "canceled" {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				cancel()
			}
			in := submitRequest()
			in.Command = secretCommand
			_, err := c.InvokeShellCommand(ctx, in)
			require.Error(t, err)
			for ; err != nil; err = errors.Unwrap(err) {
				for _, text := range []string{err.Error(), fmt.Sprintf("%v %+v", err, err)} {
					for _, secret := range []string{keyID, keySecret, token, url.QueryEscape(token), "hunter2", "Signature=", "?Action", "&"} {
						require.NotContains(t, text, secret)
					}
				}
			}
		})
	}
}

// broken is a provider of the vendor's kind that fails in a given way.
type broken func() (*credentials.Credentials, error)

func (b broken) GetCredentials() (*credentials.Credentials, error) { return b() }
func (broken) GetProviderName() string                             { return "broken" }

func TestAMissingCredentialIsReportedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, provider := range map[string]broken{
		"error": func() (*credentials.Credentials, error) { return nil, errors.New("token service says " + keySecret) },
		"nil":   func() (*credentials.Credentials, error) { return nil, nil }, //nolint:nilnil // as the vendor's chain can
		"half":  func() (*credentials.Credentials, error) { return &credentials.Credentials{AccessKeyId: keyID}, nil },
		"panic": func() (*credentials.Credentials, error) { panic(keySecret) },
	} {
		_, err := ehpc.New(ehpc.Config{Region: "cn-hangzhou", Credentials: provider})
		require.ErrorContains(t, err, "ALIBABA_CLOUD_ACCESS_KEY_ID", name)
		require.NotContains(t, err.Error(), keySecret, name)
	}
}

func TestAHalfSetEnvironmentIsReportedByNameAndNotByValue(t *testing.T) {
	for name, tc := range map[string]struct{ id, secret, token, want string }{
		"no secret":  {"AKID", "", "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"},
		"no id":      {"", "SECRET", "", "ALIBABA_CLOUD_ACCESS_KEY_ID is not"},
		"token only": {"", "", "TOKEN", "ALIBABA_CLOUD_SECURITY_TOKEN is set but"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", tc.id)
			t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", tc.secret)
			t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", tc.token)
			_, err := ehpc.New(ehpc.Config{Region: "cn-hangzhou"})
			require.ErrorContains(t, err, tc.want)
			for _, value := range []string{"AKID ", " SECRET ", " TOKEN "} {
				require.NotContains(t, err.Error()+" ", value)
			}
		})
	}
}

func TestATemporaryCredentialOfTheEnvironmentIsSentWithItsToken(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", keyID)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", keySecret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", token)
	s := serveBody(t, http.StatusOK, `{"InvokeStatus":"Running"}`)
	c, err := ehpc.New(ehpc.Config{Region: "cn-hangzhou", Endpoint: s.URL})
	require.NoError(t, err)
	_, err = c.ListInvocationStatus(t.Context(), statusRequest())
	require.NoError(t, err)
	require.Equal(t, token, s.received()[0].URL.Query().Get("SecurityToken"))
}

func TestManyCallersShareAClient(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"CommandId":"c-1","InvokeStatus":"Running"}`)
	c := connectAs(t, ehpc.Config{Endpoint: s.URL, Credentials: static(), Budget: ehpc.NewBudget(1000)})
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			_, err := c.ListInvocationStatus(t.Context(), statusRequest())
			require.NoError(t, err)
			_, err = c.InvokeShellCommand(t.Context(), submitRequest())
			require.NoError(t, err)
		})
	}
	callers.Wait()
	nonces := make(map[string]bool)
	for _, r := range s.received() {
		nonces[r.URL.Query().Get("SignatureNonce")] = true
	}
	require.Len(t, nonces, 128, "every call has a nonce of its own")
}
