// Package codecserver decrypts payloads for Temporal's Web UI and command line, over
// HTTP. A browser asks it for what it shows: the keys stay here, and the Temporal server
// never sees plain text.
//
// It only decrypts: whoever may ask it reads what is encrypted, and can write nothing
// with its keys. It knows keys and who may ask, and holds no cloud credential and no
// connection to Temporal.
package codecserver

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"

	"ehpcflow/internal/encryption"
)

// Limits of a request.
const (
	mostOfABody = 16 << 20 // bytes: a page of a history of payloads of 2 MiB, in base64
	readWithin  = 30 * time.Second
	writeWithin = 30 * time.Second
	idleFor     = 2 * time.Minute
)

// Options say who may ask.
type Options struct {
	Keys *encryption.Keyring // with which is decrypted; nil decrypts nothing

	// Origins of the Web UIs that may ask from a browser, such as
	// http://127.0.0.1:8233. Every other origin is refused.
	Origins []string

	// Token that each request has to bear in its Authorization header. Empty is
	// none, which Check allows on loopback only.
	Token string
}

// SettingError says which setting cannot be used, and what to do.
type SettingError struct{ Message string }

func (e *SettingError) Error() string { return e.Message }

// Check says whether the options fit an address to listen on. The error is a
// *SettingError.
func (o Options) Check(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return &SettingError{fmt.Sprintf("the address %q is not HOST:PORT: use one such as 127.0.0.1:8081", address)}
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) && o.Token == "" {
		return &SettingError{fmt.Sprintf("%s can be reached from other machines, and whoever reaches it could read everything: listen on 127.0.0.1, or name a token file for an authenticating proxy", address)}
	}
	for _, origin := range o.Origins {
		if u, err := url.Parse(origin); err != nil || u.Scheme+"://"+u.Host != origin || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return &SettingError{fmt.Sprintf("%q is not an origin of a Web UI: use SCHEME://HOST:PORT, without a path, such as http://127.0.0.1:8233", origin)}
		}
	}
	if len(o.Origins) == 0 && o.Token == "" {
		return &SettingError{"no Web UI may ask: name its origin, such as http://127.0.0.1:8233"}
	}
	return nil
}

// Server is the server for the options, without an address. /decode takes what the Web
// UI and the temporal command line send; /healthz answers whoever asks.
func Server(o Options) *http.Server {
	mux := http.NewServeMux()
	mux.Handle("POST /decode", o.mayAsk(limited(converter.NewPayloadCodecHTTPHandler(decodeOnly{o.Keys}))))
	mux.Handle("OPTIONS /decode", o.mayAsk(http.NotFoundHandler()))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	return &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: readWithin,
		ReadTimeout:       readWithin,
		WriteTimeout:      writeWithin,
		IdleTimeout:       idleFor,
	}
}

// mayAsk lets those requests through that may ask, and answers the browser's question
// before a request. An origin that is not listed is refused even where no answer could be
// read: a page may have made its name mean this machine.
func (o Options) mayAsk(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Vary", "Origin")
		header.Set("Cache-Control", "no-store")
		origin := r.Header.Get("Origin")
		if origin != "" && !slices.Contains(o.Origins, origin) {
			http.Error(w, "this origin may not ask", http.StatusForbidden)
			return
		}
		if origin != "" {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Allow-Credentials", "true")
		}
		if r.Method == http.MethodOptions {
			header.Set("Access-Control-Allow-Methods", http.MethodPost)
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Namespace")
			header.Set("Access-Control-Max-Age", "600") // seconds
			w.WriteHeader(http.StatusNoContent)
			return
		}
		if !o.bears(r) {
			header.Set("WWW-Authenticate", "Bearer")
			http.Error(w, "a request has to bear the token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (o Options) bears(r *http.Request) bool {
	if o.Token == "" {
		return true
	}
	token, is := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	return is && subtle.ConstantTimeCompare([]byte(token), []byte(o.Token)) == 1
}

func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, mostOfABody)
		next.ServeHTTP(w, r)
	})
}

// decodeOnly is a codec that encrypts nothing.
type decodeOnly struct{ keys *encryption.Keyring }

func (d decodeOnly) Decode(payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
	return d.keys.Decode(payloads)
}

func (decodeOnly) Encode([]*commonpb.Payload) ([]*commonpb.Payload, error) {
	return nil, errors.New("this server only decrypts")
}
