package e2e

import (
	"io"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// network is the way to an address. It can be cut: connections under way end, and new
// ones are refused, until it is mended.
type network struct {
	t        *testing.T
	to, from string

	mu          sync.Mutex
	listener    net.Listener
	connections []net.Conn
}

func newNetwork(t *testing.T, to string) *network {
	t.Helper()
	n := &network{t: t, to: to, from: net.JoinHostPort("127.0.0.1", strconv.Itoa(steadyPort(t)))}
	n.mend()
	t.Cleanup(n.cut)
	return n
}

func (n *network) mend() {
	n.t.Helper()
	listener, err := net.Listen("tcp", n.from)
	require.NoError(n.t, err)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listener, n.connections = listener, nil
	go n.accept(listener)
}

func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.listener.Close() // so that no more come
	for _, c := range n.connections {
		_ = c.Close() // some are closed already
	}
}

func (n *network) accept(listener net.Listener) {
	for {
		caller, err := listener.Accept()
		if err != nil {
			return
		}
		called, err := net.Dial("tcp", n.to)
		if err != nil {
			_ = caller.Close()
			continue
		}
		n.mu.Lock()
		n.connections = append(n.connections, caller, called)
		if n.listener != listener { // cut and mended meanwhile
			_ = caller.Close()
		}
		n.mu.Unlock()
		for _, way := range [][2]net.Conn{{caller, called}, {called, caller}} {
			go func() {
				_, _ = io.Copy(way[0], way[1]) // it ends with either connection
				_ = way[0].Close()
				_ = way[1].Close()
			}()
		}
	}
}
