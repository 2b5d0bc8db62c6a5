package e2e

import (
	"bytes"
	"compress/gzip"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// link carries a worker's connections to Temporal. While it is held, what the
// worker says is kept and goes no further.
type link struct {
	listener net.Listener
	server   string

	mu   sync.Mutex
	line *line // that new connections take
}

// line is the way from one worker to the server.
type line struct {
	mu   sync.Mutex
	held bool
	kept bytes.Buffer
}

func newLink(t *testing.T, server string) *link {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := &link{listener: listener, server: server, line: &line{}}
	go l.accept()
	t.Cleanup(func() { _ = listener.Close() }) // the programs at its ends close their connections
	return l
}

func (l *link) address() string { return l.listener.Addr().String() }

func (l *link) accept() {
	for {
		worker, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.server)
		if err != nil {
			_ = worker.Close()
			continue
		}
		line := l.current()
		closeBoth := func() {
			_ = worker.Close()
			_ = server.Close()
		}
		go func() {
			defer closeBoth()
			_, _ = io.Copy(worker, server)
		}()
		go func() {
			defer closeBoth()
			_, _ = io.Copy(saying{line, server}, worker)
		}()
	}
}

// saying is what a worker says on one connection.
type saying struct {
	line *line
	to   net.Conn
}

func (s saying) Write(text []byte) (int, error) {
	s.line.mu.Lock()
	defer s.line.mu.Unlock()
	if s.line.held {
		return s.line.kept.Write(text)
	}
	return s.to.Write(text)
}

func (l *link) current() *line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}

func (l *link) hold() {
	line := l.current()
	line.mu.Lock()
	defer line.mu.Unlock()
	line.held = true
}

// keeps says whether all of these texts were kept from the server.
func (l *link) keeps(texts []string) bool {
	line := l.current()
	line.mu.Lock()
	said := unzipped(line.kept.Bytes())
	line.mu.Unlock()
	return !slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(said, text) })
}

// renew gives the next worker a line of its own.
func (l *link) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line = &line{}
}

// unzipped is the text of the compressed messages in what a gRPC client sent.
func unzipped(sent []byte) string {
	var text strings.Builder
	magic := []byte{0x1f, 0x8b, 8} // of gzip
	for at := bytes.Index(sent, magic); at >= 0; at = bytes.Index(sent, magic) {
		sent = sent[at:]
		if message, err := gzip.NewReader(bytes.NewReader(sent)); err == nil {
			message.Multistream(false)
			_, _ = io.Copy(&text, message) // one that is not whole yet ends early
		}
		sent = sent[len(magic):]
	}
	return text.String()
}
