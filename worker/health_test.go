package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAHealthCheckIsTheWordOfTheWorker(t *testing.T) {
	t.Parallel()
	worker := func(status int, says string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/readyz" {
				status = http.StatusNotFound
			}
			http.Error(w, says, status)
		}))
		t.Cleanup(server.Close)
		return strings.TrimPrefix(server.URL, "http://")
	}
	well := worker(http.StatusOK, "ready")
	_, port, _ := strings.Cut(well, ":")
	for name, tc := range map[string]struct {
		address string
		code    int
		says    string
	}{
		"ready":               {well, exitStopped, "the worker is ready\n"},
		"listening anywhere":  {"0.0.0.0:" + port, exitStopped, "the worker is ready\n"},
		"on any address":      {":" + port, exitStopped, "the worker is ready\n"},
		"stopping":            {worker(http.StatusServiceUnavailable, "stopping"), exitFailed, "worker: the worker is not ready: stopping\n"},
		"no worker":           {"127.0.0.1:1", exitFailed, "worker: the worker does not answer: "},
		"no address":          {"", exitUsage, `worker: --metrics-address is "": name the address`},
		"not an address":      {"9090", exitUsage, `worker: --metrics-address is "9090": name the address`},
		"not a port of a URL": {"a:b", exitUsage, `worker: --metrics-address is "a:b": `},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			require.Equal(t, tc.code, execute(t.Context(), []string{"health", "--metrics-address", tc.address}, &out, &out), out.String())
			require.Contains(t, out.String(), tc.says)
		})
	}
}
