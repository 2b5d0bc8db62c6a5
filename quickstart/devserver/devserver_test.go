package devserver_test

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"ehpcflow/quickstart/devserver"
)

func dial(t *testing.T, address string) client.Client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{HostPort: address})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestAnotherPortIsChosenWhenTheUsualOneIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close() //nolint:errcheck // the test is over
	port := taken.Addr().(*net.TCPAddr).Port

	s, err := devserver.Start(devserver.Options{Port: port, UIPort: port})
	require.NoError(t, err)
	defer s.Stop() //nolint:errcheck // stopped with its error checked below
	require.NotContains(t, s.Address(), strconv.Itoa(port))
	require.NotContains(t, s.UIURL(), strconv.Itoa(port))

	resp, err := http.Get(s.UIURL())
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)

	require.NoError(t, s.Stop())
	require.NoError(t, s.Stop(), "stopping twice is allowed")
	_, err = net.Dial("tcp", s.Address())
	require.Error(t, err, "nothing listens after Stop")
}

func TestWorkflowsInADatabaseFileSurviveARestart(t *testing.T) {
	t.Parallel()
	database := filepath.Join(t.TempDir(), "temporal.db")

	first, err := devserver.Start(devserver.Options{Database: database})
	require.NoError(t, err)
	defer first.Stop() //nolint:errcheck // stopped with its error checked below
	_, err = dial(t, first.Address()).ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "kept", TaskQueue: "none"}, "Any")
	require.NoError(t, err)
	require.NoError(t, first.Stop())

	second, err := devserver.Start(devserver.Options{Database: database})
	require.NoError(t, err)
	defer second.Stop() //nolint:errcheck // the test is over
	_, err = dial(t, second.Address()).DescribeWorkflowExecution(t.Context(), "kept", "")
	require.NoError(t, err)
}
