package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"ehpcflow/internal/codecserver"
	"ehpcflow/internal/encryption"
)

// codec decrypts for the Web UI of this process, when there are keys.
type codec struct {
	keys     *encryption.Keyring
	listener net.Listener
	server   *http.Server
}

// newCodec listens, and serves once the Web UI's address is known.
func newCodec(ctx context.Context) (*codec, error) {
	keys, err := encryption.FromEnvironment()
	if err != nil || keys == nil {
		return &codec{}, err
	}
	c := &codec{keys: keys}
	if c.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("start the codec server: %w", err)
	}
	return c, nil
}

// endpoint for the Web UI, empty without keys.
func (c *codec) endpoint() string {
	if c.listener == nil {
		return ""
	}
	return "http://" + c.listener.Addr().String()
}

func (c *codec) serve(uiURL string) {
	if c.listener == nil {
		return
	}
	origins := []string{uiURL, strings.Replace(uiURL, "127.0.0.1", "localhost", 1)}
	c.server = codecserver.Server(codecserver.Options{Keys: c.keys, Origins: origins})
	go func() { _ = c.server.Serve(c.listener) }() // until stop
}

func (c *codec) stop() error {
	switch {
	case c.server != nil:
		return c.server.Close()
	case c.listener != nil:
		return c.listener.Close()
	}
	return nil
}
