package ehpc_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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

func TestACredentialIsLookedForAnewWhenItExpiresOrIsGone(t *testing.T) {
	for name, value := range map[string]string{
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true", "HOME": t.TempDir(),
		"ALIBABA_CLOUD_ACCESS_KEY_ID": keyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": keySecret, "ALIBABA_CLOUD_SECURITY_TOKEN": "old",
	} {
		t.Setenv(name, value)
	}
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("SecurityToken") == "new" {
			_, _ = io.WriteString(w, `{"InvokeStatus":"Running"}`)
			return
		}
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"Code":"InvalidSecurityToken.Expired","Message":"x"}`)
	})
	c, err := ehpc.New(ehpc.Config{Region: "cn-hangzhou", Endpoint: s.URL})
	require.NoError(t, err)
	_, err = c.ListInvocationStatus(t.Context(), statusRequest())
	require.Equal(t, catalogue.TokenExpired, failure(t, err).Code)
	require.Equal(t, catalogue.Soon, ehpc.Judge(err).Read)

	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "")
	_, err = c.ListInvocationStatus(t.Context(), statusRequest())
	require.Equal(t, catalogue.NoCredentials, failure(t, err).Code)

	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", keyID)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "new")
	_, err = c.ListInvocationStatus(t.Context(), statusRequest())
	require.NoError(t, err, "the vendor's chain alone would stick to the last provider that failed")
}

func TestASlowProviderDoesNotOutliveTheContext(t *testing.T) {
	t.Parallel()
	hold := make(chan struct{})
	t.Cleanup(func() { close(hold) })
	first := true
	slow := broken(func() (*credentials.Credentials, error) {
		if !first {
			<-hold
		}
		first = false
		return &credentials.Credentials{AccessKeyId: keyID, AccessKeySecret: keySecret}, nil
	})
	c := connectAs(t, ehpc.Config{Endpoint: "http://127.0.0.1:1", Credentials: slow, Timeout: 50 * time.Millisecond})
	for range 2 { // the second waits for the first
		_, err := c.ListInvocationStatus(t.Context(), statusRequest())
		require.Equal(t, catalogue.NoCredentials, failure(t, err).Code)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
}
