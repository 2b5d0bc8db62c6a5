package devserver

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

const (
	uiAttempts = 250
	uiPause    = 20 * time.Millisecond
)

// UI is a running Web UI.
type UI struct {
	server *server.Server
	done   chan struct{}
	url    string
	stop   sync.Once
}

// StartUI serves the Web UI of any Temporal server on a loopback port, and returns
// when it answers. A codec endpoint, which may be empty, is where the browser has
// payloads decrypted.
func StartUI(temporalAddress string, port int, codecEndpoint string) (*UI, error) {
	u := &UI{url: "http://" + net.JoinHostPort(loopback, strconv.Itoa(port)), done: make(chan struct{})}
	u.server = server.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		Host:                loopback,
		Port:                port,
		TemporalGRPCAddress: temporalAddress,
		DefaultNamespace:    Namespace,
		EnableUI:            true,
		DisableNewsFetch:    true,
		HideLogs:            true,
		Codec:               uiconfig.Codec{Endpoint: codecEndpoint},
		CORS:                uiconfig.CORS{CookieInsecure: true},
	}))
	go func() {
		defer close(u.done)
		_ = u.server.Start() // it ends the process itself when it cannot listen
	}()
	if err := u.await(); err != nil {
		u.Stop()
		return nil, err
	}
	return u, nil
}

// URL is the address of the Web UI.
func (u *UI) URL() string { return u.url }

// Stop ends it. It may be called twice.
func (u *UI) Stop() {
	u.stop.Do(func() {
		u.server.Stop()
		<-u.done
	})
}

// await returns when the Web UI answers, as a browser that opens it expects.
func (u *UI) await() error {
	client := http.Client{Timeout: time.Second}
	for range uiAttempts {
		resp, err := client.Get(u.url + "/healthz") //nolint:noctx // the client's own limit is shorter
		if err == nil {
			return resp.Body.Close()
		}
		time.Sleep(uiPause)
	}
	return fmt.Errorf("the Web UI does not answer at %s", u.url)
}
