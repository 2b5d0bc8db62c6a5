package ehpc_test

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
	"ehpcflow/ehpc/catalogue"
)

func TestAProviderThatFailsLaterSendsNothing(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"CommandId":"c-1"}`)
	var expired atomic.Bool
	c := connectAs(t, ehpc.Config{Endpoint: s.URL, Credentials: broken(func() (*credentials.Credentials, error) {
		if expired.Load() {
			return nil, fmt.Errorf("refresh of %s: %w", keySecret, io.ErrUnexpectedEOF)
		}
		return &credentials.Credentials{AccessKeyId: keyID, AccessKeySecret: keySecret}, nil
	})})
	expired.Store(true)
	_, err := c.InvokeShellCommand(t.Context(), submitRequest())
	require.Equal(t, catalogue.NoCredentials, failure(t, err).Code)
	require.False(t, ehpc.Judge(err).MayHaveRun)
	requireClean(t, err, keySecret)
	require.Empty(t, s.received())
}

func TestAProviderIsAskedByOneCallerAtATime(t *testing.T) {
	t.Parallel()
	s := serveBody(t, http.StatusOK, `{"InvokeStatus":"Running"}`)
	asked := 0 // without a lock, as in the vendor's providers
	c := connectAs(t, ehpc.Config{Endpoint: s.URL, Credentials: broken(func() (*credentials.Credentials, error) {
		asked++
		return &credentials.Credentials{AccessKeyId: keyID, AccessKeySecret: keySecret}, nil
	})})
	errs := make([]error, 32)
	var callers sync.WaitGroup
	for i := range errs {
		callers.Go(func() { _, errs[i] = c.ListInvocationStatus(t.Context(), statusRequest()) })
	}
	callers.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 1+len(errs), asked)
}
