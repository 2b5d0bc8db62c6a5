package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
)

// headers are sent with every call, unless there is an error.
type headers struct {
	of  map[string]string
	err error
}

func (h headers) GetHeaders(context.Context) (map[string]string, error) { return h.of, h.err }

func TestWhatLetsInIsNotSentInPlainText(t *testing.T) {
	t.Parallel()
	key := client.NewAPIKeyStaticCredentials("KEY")
	bearer := headers{of: map[string]string{"Authorization": "Bearer SECRET"}}
	for name, tc := range map[string]struct {
		options client.Options
		says    string // "" where nothing is refused
	}{
		"an API key":              {client.Options{Credentials: key}, "an API key is set and TLS is turned off"},
		"a token":                 {client.Options{HeadersProvider: bearer}, "TEMPORAL_GRPC_META_AUTHORIZATION"},
		"headers that are hidden": {client.Options{HeadersProvider: headers{err: errors.New("gone")}}, "gone"},
		"another header":          {client.Options{HeadersProvider: headers{of: map[string]string{"team": "hpc"}}}, ""},
		"nothing":                 {client.Options{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := checkSecrets(t.Context(), tc.options)
			if tc.says == "" {
				require.NoError(t, err)
			} else {
				var wrong *ConfigError
				require.ErrorAs(t, err, &wrong)
				require.ErrorContains(t, err, tc.says)
				require.NotContains(t, err.Error(), "SECRET")
			}
			tc.options.ConnectionOptions.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
			require.NoError(t, checkSecrets(t.Context(), tc.options))
		})
	}
}
