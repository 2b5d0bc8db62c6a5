package ehpc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc"
)

// requireClean looks for what must not be told in an error and in all its causes.
func requireClean(t *testing.T, err error, hidden ...string) {
	t.Helper()
	require.Error(t, err)
	for ; err != nil; err = errors.Unwrap(err) {
		for _, text := range []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err)} {
			for _, h := range hidden {
				require.NotContains(t, text, h)
			}
			require.NotContains(t, text, "\n")
		}
	}
}

func lowerEscapes(text string) string {
	for _, upper := range []string{"%2B", "%2F", "%3D"} {
		text = strings.ReplaceAll(text, upper, strings.ToLower(upper))
	}
	return text
}

func TestAMessageThatQuotesTheRequestIsCut(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]func(query url.Values, raw string) string{
		"its URL":                       func(_ url.Values, raw string) string { return "bad request https://ehpc.example/?" + raw },
		"its path":                      func(_ url.Values, raw string) string { return "cannot GET /?" + raw },
		"its parameters":                func(_ url.Values, raw string) string { return "refused: " + raw },
		"its parameters, escaped":       func(_ url.Values, raw string) string { return "refused: " + url.QueryEscape(raw) },
		"its parameters, escaped twice": func(_ url.Values, raw string) string { return "refused: " + url.QueryEscape(url.QueryEscape(raw)) },
		"its token, escaped twice": func(q url.Values, _ string) string {
			return "token " + url.QueryEscape(url.QueryEscape(q.Get("SecurityToken")))
		},
		"what was signed":          func(_ url.Values, raw string) string { return "expected GET&%2F&" + url.QueryEscape(raw) },
		"what was signed, by name": func(_ url.Values, raw string) string { return "StringToSign:\n" + raw },
		"what was signed, decoded": func(q url.Values, _ string) string {
			return "string to sign is " + q.Get("AccessKeyId") + q.Get("Command")
		},
		"its token, escaped": func(q url.Values, _ string) string { return "token " + url.QueryEscape(q.Get("SecurityToken")) },
		"its token, escaped in lower": func(q url.Values, _ string) string {
			return "token " + lowerEscapes(url.QueryEscape(q.Get("SecurityToken")))
		},
		"its key in capitals":       func(q url.Values, _ string) string { return "key " + strings.ToUpper(q.Get("AccessKeyId")) },
		"a key that begins another": func(url.Values, string) string { return "secret " + keyID + keySecret },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				_ = json.NewEncoder(w).Encode(map[string]string{
					"Code": "SignatureDoesNotMatch", "RequestId": r.URL.Query().Get("SecurityToken"), "Message": "kept: " + message(r.URL.Query(), r.URL.RawQuery),
				})
			})
			c := connectAs(t, ehpc.Config{Endpoint: s.URL, Credentials: credentials.NewStaticSTSCredentialsProvider(keyID, keyID+keySecret, token)})
			in := submitRequest()
			in.Command = secretCommand
			_, err := c.InvokeShellCommand(t.Context(), in)
			require.ErrorContains(t, err, "kept: ")
			requireClean(t, err, keyID, strings.ToUpper(keyID), keySecret, token, url.QueryEscape(token), lowerEscapes(url.QueryEscape(token)),
				url.QueryEscape(url.QueryEscape(token)), "hunter2", "Signature=", "Signature%", "AccessKeyId", "://")
		})
	}
}

func TestASideThatSendsTheRequestBackLeaksNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"as it is":                "%s\r\n\r\n",
		"as a header line":        "HTTP/1.1 200 OK\r\n%s\r\n\r\n",
		"as a broken redirect":    "HTTP/1.1 302 Found\r\nLocation: http://[%s\r\nContent-Length: 0\r\n\r\n",
		"as the code of an error": "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n{\"Code\":\"" + keyID + "\",\"Message\":%q}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address := listen(t, func(conn net.Conn) {
				reader := bufio.NewReader(conn)
				line, _ := reader.ReadString('\n')
				_, _ = fmt.Fprintf(conn, answer, strings.TrimSpace(line))
			})
			c := connect(t, "http://"+address)
			in := submitRequest()
			in.Command = secretCommand
			_, err := c.InvokeShellCommand(t.Context(), in)
			requireClean(t, err, keyID, "hunter2", "Signature=", "?A")
		})
	}
}

func TestAnErrorIsOneBoundedLine(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(map[string]string{
		"Code": "InvalidParams", "RequestId": "r\n1", "Message": "first\r\nsecond\u2028third\x1b[31m" + strings.Repeat("界", 5000),
	})
	require.NoError(t, err)
	in := submitRequest()
	in.ClusterID = "ehpc\nhz"
	_, err = connect(t, serveBody(t, http.StatusBadRequest, string(body)).URL).InvokeShellCommand(t.Context(), in)
	requireClean(t, err, "\r", "\u2028", "\x1b")
	require.ErrorContains(t, err, "on cluster ehpc hz: InvalidParams (HTTP 400): first second third")
	require.ErrorContains(t, err, "[request r 1]; correct the parameter that the message names")
	require.Less(t, len([]rune(err.Error())), 600)
}

func TestAnEndpointIsTakenWholeOrRefusedWithoutItsPassword(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]ehpc.Config{
		"password and other scheme": {Endpoint: "ftp://user:hunter2@host"},
		"password and nonsense":     {Endpoint: "https://user:hunter2@ho st"},
		"query":                     {Endpoint: "https://host?token=hunter2"},
		"fragment":                  {Endpoint: "https://host#hunter2"},
		"port without a host":       {Endpoint: "https://:443"},
		"region with a fragment":    {Region: "evil.example#"},
		"region with a path":        {Region: "evil.example/x"},
		"region with a space":       {Region: "cn hangzhou"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Credentials = static()
			_, err := ehpc.New(cfg)
			requireClean(t, err, "hunter2", `""`)
		})
	}
}
