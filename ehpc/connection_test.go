package ehpc_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// untilHungUp reads until the client goes away.
func untilHungUp(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

func TestWithoutAConnectionNothingWasSent(t *testing.T) {
	t.Parallel()
	plain := serveBody(t, http.StatusOK, "{}")

	for name, endpoint := range map[string]string{
		"refused":                      "https://127.0.0.1:1",
		"unknown host":                 "https://no-such-host.invalid",
		"no TLS on the other side":     plain.Listener.Addr().String(),
		"a handshake that never ends":  listen(t, untilHungUp),
		"a handshake that is hung up":  listen(t, func(net.Conn) {}),
		"a port that talks about mail": listen(t, func(conn net.Conn) { _, _ = io.WriteString(conn, "220 smtp ready\r\n"); untilHungUp(conn) }),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connectAs(t, ehpc.Config{Endpoint: endpoint, Credentials: static(), Timeout: time.Second})
			_, err := c.InvokeShellCommand(t.Context(), submitRequest())
			require.Equal(t, catalogue.Unreachable, failure(t, err).Code)
			require.NotEmpty(t, failure(t, err).Message)
			require.Equal(t, ehpc.Judgement{Code: catalogue.Unreachable, Read: catalogue.Soon, Submit: catalogue.Soon}, ehpc.Judge(err))
		})
	}
	require.Empty(t, plain.received(), "no signed request travels in the clear")
}

func TestACertificateThatCannotBeVerifiedIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	stranger := httptest.NewUnstartedServer(http.NotFoundHandler())
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	c := connect(t, stranger.URL)
	_, submitted := c.InvokeShellCommand(t.Context(), submitRequest())
	_, read := c.ListInvocationStatus(t.Context(), statusRequest())
	for _, err := range []error{submitted, read} {
		require.Equal(t, ehpc.Judgement{Code: catalogue.Untrusted, Read: catalogue.Later, Submit: catalogue.Never}, ehpc.Judge(err))
		require.ErrorContains(t, err, "failed to verify certificate")
		require.ErrorContains(t, err, "let it trust the certificate's issuer")
		require.ErrorAs(t, err, new(*tls.CertificateVerificationError))
	}
}

func TestARefusedConnectionSaysSo(t *testing.T) {
	t.Parallel()
	_, err := connect(t, "http://127.0.0.1:1").InvokeShellCommand(t.Context(), submitRequest())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "127.0.0.1:1: connect: connection refused; check the worker's network")
}

func TestASubmitOffersOnlyHTTP1(t *testing.T) {
	t.Parallel()
	offered := make(chan []string, 2)
	endpoint := listen(t, func(conn net.Conn) {
		_ = tls.Server(conn, &tls.Config{
			GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
				offered <- hello.SupportedProtos
				return nil, errors.New("enough")
			},
		}).HandshakeContext(t.Context())
	})
	c := connect(t, endpoint)
	_, err := c.ListInvocationStatus(t.Context(), statusRequest())
	require.Error(t, err)
	require.Contains(t, <-offered, "h2", "a read may use what there is")
	_, err = c.InvokeShellCommand(t.Context(), submitRequest())
	require.Error(t, err)
	require.NotContains(t, <-offered, "h2", "HTTP/2 repeats requests by itself")
}

func TestTheCallersOwnLimitsEndACall(t *testing.T) {
	t.Parallel()
	const reason = "given up, see https://console.example/?token=hunter2"
	for name, tc := range map[string]struct {
		limit func(held <-chan struct{}) (context.Context, context.CancelFunc)
		code  string
		is    error
	}{
		"cancelled for a reason": {func(held <-chan struct{}) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancelCause(context.Background())
			go func() { <-held; cancel(errors.New(reason)) }()
			return ctx, func() { cancel(nil) }
		}, catalogue.Canceled, context.Canceled},
		"out of time for a reason": {func(<-chan struct{}) (context.Context, context.CancelFunc) {
			return context.WithTimeoutCause(context.Background(), 200*time.Millisecond, errors.New(reason))
		}, catalogue.Timeout, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			held := make(chan struct{})
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				close(held)
				<-r.Context().Done()
			})
			ctx, cancel := tc.limit(held)
			defer cancel()
			_, err := connect(t, s.URL).InvokeShellCommand(ctx, submitRequest())
			require.Equal(t, tc.code, failure(t, err).Code)
			require.ErrorIs(t, err, tc.is)
			require.True(t, ehpc.Judge(err).MayHaveRun)
			requireClean(t, err, "hunter2", "https://")
		})
	}
}

func TestTheTimeLimitOfTheClientIsADeadlineToo(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := connectAs(t, ehpc.Config{Endpoint: s.URL, Timeout: 100 * time.Millisecond, Credentials: static()})
	_, err := c.ListInvocationStatus(t.Context(), statusRequest())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
