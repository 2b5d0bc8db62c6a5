package ehpcsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Server is a simulator that listens.
type Server struct {
	http *http.Server
	url  string
	done chan error
}

// Listen serves the simulator on a loopback address, such as 127.0.0.1:8765; port
// 0 lets the system choose. Any other address is refused: whoever reaches the
// simulator runs commands on this machine.
func (s *Simulator) Listen(addr string) (*Server, error) { return listen(addr, s) }

// ListenAdmin serves the admin handler, on a loopback address as well.
func (s *Simulator) ListenAdmin(addr string) (*Server, error) { return listen(addr, s.Admin()) }

func listen(addr string, handler http.Handler) (*Server, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen address %q: use HOST:PORT on loopback, such as 127.0.0.1:8765", addr)
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen address %q is not on loopback: the simulator runs commands on this machine for whoever reaches it; use 127.0.0.1 or [::1]", addr)
	}
	listener, err := net.Listen("tcp", addr) //nolint:noctx // listening begins at once
	if err != nil {
		return nil, err
	}
	server := &Server{
		http: &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second},
		url:  "http://" + listener.Addr().String(),
		done: make(chan error, 1),
	}
	go func() { server.done <- server.http.Serve(listener) }()
	return server, nil
}

// URL is the address that clients call.
func (s *Server) URL() string { return s.url }

// Close stops listening and cuts what is under way. The simulator lives on.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		err = s.http.Close()
		if err != nil {
			return err
		}
	}
	if err := <-s.done; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	s.done <- http.ErrServerClosed
	return nil
}
