package devserver

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	"github.com/temporalio/ui-server/v2/server/server_options"
)

const (
	uiAttempts = 250
	uiPause    = 20 * time.Millisecond
)

// startUI serves the Web UI until Stop.
func (s *Server) startUI(port int) {
	s.uiURL = "http://" + net.JoinHostPort(loopback, strconv.Itoa(port))
	s.ui = server.NewServer(server_options.WithConfigProvider(&uiconfig.Config{
		Host:                loopback,
		Port:                port,
		TemporalGRPCAddress: s.address,
		DefaultNamespace:    Namespace,
		EnableUI:            true,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: true},
	}))
	s.uiDone = make(chan struct{})
	go func() {
		defer close(s.uiDone)
		_ = s.ui.Start() // it ends the process itself when it cannot listen
	}()
}

// awaitUI returns when the Web UI answers, as a browser that opens it expects.
func (s *Server) awaitUI() error {
	client := http.Client{Timeout: time.Second}
	for range uiAttempts {
		resp, err := client.Get(s.uiURL + "/healthz") //nolint:noctx // the client's own limit is shorter
		if err == nil {
			return resp.Body.Close()
		}
		time.Sleep(uiPause)
	}
	return fmt.Errorf("the Web UI does not answer at %s", s.uiURL)
}
