package ehpc_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

// dying is a service that keeps connections alive and then breaks each one when a
// submit arrives on it: net/http would send a GET again over a new connection.
func dying(t *testing.T) (endpoint string, submits *atomic.Int32) {
	t.Helper()
	submits = new(atomic.Int32)
	address := listen(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(reader)
			if err != nil {
				return
			}
			if request.URL.Query().Get("Action") == "InvokeShellCommand" && submits.Add(1) > 0 && request.URL.Query().Get("Command") == "die" {
				return
			}
			body := `{"CommandId":"c-1","InvokeStatus":"Running"}`
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body)
		}
	})
	return "http://" + address, submits
}

func TestASubmitIsNotReplayedWhenItsConnectionDies(t *testing.T) {
	t.Parallel()
	endpoint, submits := dying(t)
	c := connect(t, endpoint)
	_, err := c.ListInvocationStatus(t.Context(), statusRequest())
	require.NoError(t, err)
	in := submitRequest()
	_, err = c.InvokeShellCommand(t.Context(), in)
	require.NoError(t, err)

	in.Command = "die"
	_, err = c.InvokeShellCommand(t.Context(), in)
	require.Equal(t, catalogue.ConnectionLost, failure(t, err).Code)
	require.True(t, ehpc.Judge(err).MayHaveRun)
	require.EqualValues(t, 2, submits.Load(), "the one that worked, and the one that died once")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere := serveBody(t, http.StatusOK, `{"CommandId":"c-1"}`)
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) })
	_, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
	require.Equal(t, "HTTP.302", failure(t, err).Code)
	require.Empty(t, elsewhere.received(), "a signed request stays where it was sent")
}

func TestAFailedSubmitIsSentOnce(t *testing.T) {
	t.Parallel()
	for _, status := range []int{429, 500, 502, 503} {
		s := serveBody(t, status, "")
		_, err := connect(t, s.URL).InvokeShellCommand(t.Context(), submitRequest())
		require.Error(t, err)
		require.Len(t, s.received(), 1, "HTTP %d", status)
	}
}

func TestATimeLimitHoldsForOneCallOnly(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	var slow atomic.Bool
	slow.Store(true)
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if slow.Load() {
			<-release
		}
		_, _ = io.WriteString(w, `{"InvokeStatus":"Running"}`)
	})
	t.Cleanup(func() { close(release) })
	cfg := ehpc.Config{Endpoint: s.URL, Timeout: 2 * time.Second, Credentials: static()}
	c := connectAs(t, cfg)
	_, err := c.ListInvocationStatus(t.Context(), statusRequest())
	require.Equal(t, catalogue.Timeout, failure(t, err).Code)
	slow.Store(false)
	_, err = c.ListInvocationStatus(t.Context(), statusRequest())
	require.NoError(t, err)
}

func TestABodyThatDripsDoesNotOutliveTheContext(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		for {
			select {
			case <-r.Context().Done():
				return
			case <-time.After(10 * time.Millisecond):
				_, _ = io.WriteString(w, " ")
				w.(http.Flusher).Flush()
			}
		}
	})
	c := connectAs(t, ehpc.Config{Endpoint: s.URL, Timeout: 200 * time.Millisecond, Credentials: static()})
	started := time.Now()
	_, err := c.ListInvocationStatus(t.Context(), statusRequest())
	require.Equal(t, catalogue.Timeout, failure(t, err).Code)
	require.Less(t, time.Since(started), soon)
}
