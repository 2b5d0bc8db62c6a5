package codecserver_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"ehpcflow/internal/codecserver"
	"ehpcflow/internal/encryption"
)

const ui = "http://127.0.0.1:8233"

func serve(t *testing.T, token string) (url string, body []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "keys.yaml")
	_, err := encryption.Create(file)
	require.NoError(t, err)
	keys, err := encryption.Read(file)
	require.NoError(t, err)
	payload, err := converter.GetDefaultDataConverter().ToPayload("the command")
	require.NoError(t, err)
	encoded, err := keys.Encode([]*commonpb.Payload{payload})
	require.NoError(t, err)
	body, err = json.Marshal(commonpb.Payloads{Payloads: encoded})
	require.NoError(t, err)
	server := httptest.NewServer(codecserver.Server(codecserver.Options{Keys: keys, Origins: []string{ui}, Token: token}).Handler)
	t.Cleanup(server.Close)
	return server.URL, body
}

// answer is what was read of an answer.
type answer struct {
	StatusCode int
	Header     http.Header
}

func send(t *testing.T, method, url string, body []byte, header ...string) (answer, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close() //nolint:errcheck // the test reads it whole
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return answer{resp.StatusCode, resp.Header}, string(text)
}

// decoded is the first payload of an answer.
func decoded(t *testing.T, text string) string {
	t.Helper()
	var payloads commonpb.Payloads
	require.NoError(t, json.Unmarshal([]byte(text), &payloads), text)
	return string(payloads.GetPayloads()[0].GetData())
}

func TestTheWebUIReadsWhatIsEncrypted(t *testing.T) {
	t.Parallel()
	url, body := serve(t, "")
	asked, _ := send(t, http.MethodOptions, url+"/decode", nil, "Origin", ui)
	require.Equal(t, http.StatusNoContent, asked.StatusCode)
	require.Equal(t, ui, asked.Header.Get("Access-Control-Allow-Origin"))
	require.Contains(t, asked.Header.Get("Access-Control-Allow-Headers"), "X-Namespace")

	resp, text := send(t, http.MethodPost, url+"/decode", body, "Origin", ui, "X-Namespace", "default")
	require.Equal(t, http.StatusOK, resp.StatusCode, text)
	require.Equal(t, ui, resp.Header.Get("Access-Control-Allow-Origin"))
	require.Equal(t, `"the command"`, decoded(t, text))
}

func TestWhoMayNotAskIsRefused(t *testing.T) {
	t.Parallel()
	url, body := serve(t, "sesame")
	bearer := []string{"Authorization", "Bearer sesame"}
	for name, c := range map[string]struct {
		method, path string
		body         []byte
		header       []string
		code         int
	}{
		"another origin":            {http.MethodPost, "/decode", body, append(bearer, "Origin", "http://evil.example"), http.StatusForbidden},
		"another port":              {http.MethodPost, "/decode", body, append(bearer, "Origin", "http://127.0.0.1:8234"), http.StatusForbidden},
		"another origin's question": {http.MethodOptions, "/decode", nil, []string{"Origin", "http://evil.example"}, http.StatusForbidden},
		"no token":                  {http.MethodPost, "/decode", body, []string{"Origin", ui}, http.StatusUnauthorized},
		"a wrong token":             {http.MethodPost, "/decode", body, []string{"Authorization", "Bearer sesam"}, http.StatusUnauthorized},
		"another scheme":            {http.MethodPost, "/decode", body, []string{"Authorization", "sesame"}, http.StatusUnauthorized},
		"to encrypt":                {http.MethodPost, "/encode", body, bearer, http.StatusNotFound},
		"to read":                   {http.MethodGet, "/decode", nil, bearer, http.StatusMethodNotAllowed},
		"no payloads":               {http.MethodPost, "/decode", []byte("{"), bearer, http.StatusBadRequest},
		"too much":                  {http.MethodPost, "/decode", bytes.Repeat([]byte(" "), 17<<20), bearer, http.StatusBadRequest},
		"whoever bears the token":   {http.MethodPost, "/decode", body, bearer, http.StatusOK},
		"a probe":                   {http.MethodGet, "/healthz", nil, nil, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp, text := send(t, c.method, url+c.path, c.body, c.header...)
			require.Equal(t, c.code, resp.StatusCode, text)
			require.Equal(t, name == "whoever bears the token", strings.Contains(text, "payloads"), text)
		})
	}
}

func TestAnAddressThatOthersReachNeedsAToken(t *testing.T) {
	t.Parallel()
	with := func(token string, origins ...string) codecserver.Options {
		return codecserver.Options{Token: token, Origins: origins}
	}
	for name, c := range map[string]struct {
		options codecserver.Options
		address string
		said    string // "" is fine
	}{
		"loopback":           {with("", ui), "127.0.0.1:0", ""},
		"loopback by name":   {with("", ui), "localhost:8081", ""},
		"loopback of IPv6":   {with("", ui), "[::1]:8081", ""},
		"everywhere":         {with("", ui), ":8081", "token"},
		"everywhere, token":  {with("t", ui), ":8081", ""},
		"another address":    {with("", ui), "10.0.0.1:8081", "token"},
		"a name":             {with("", ui), "codec:8081", "token"},
		"no port":            {with("", ui), "127.0.0.1", "HOST:PORT"},
		"an origin's path":   {with("", ui+"/"), "127.0.0.1:0", "without a path"},
		"any origin":         {with("", "*"), "127.0.0.1:0", "not an origin"},
		"a scheme too many":  {with("", "ftp://x"), "127.0.0.1:0", "not an origin"},
		"nobody":             {with(""), "127.0.0.1:0", "no Web UI may ask"},
		"the proxy only":     {with("t"), "127.0.0.1:0", ""},
		"an origin, no host": {with("", "http://"), "127.0.0.1:0", "not an origin"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := c.options.Check(c.address)
			if c.said == "" {
				require.NoError(t, err)
				return
			}
			var setting *codecserver.SettingError
			require.ErrorAs(t, err, &setting)
			require.ErrorContains(t, err, c.said)
		})
	}
}
