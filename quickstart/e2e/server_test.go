package e2e

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/quickstart/devserver"
)

// server is a Temporal server in a process of its own, that can be ended and
// started again on its port and database.
type server struct {
	t       *testing.T
	port    int
	keeps   []string // variables that say where it keeps its workflows
	process *exec.Cmd
	stdin   io.Closer
	ended   chan struct{} // closed when the process has ended
}

// The process is this test's program once more, told so by these variables.
const (
	serverPort       = "E2E_SERVER_PORT"
	serverDatabase   = "E2E_SERVER_DATABASE"
	serverPostgreSQL = "E2E_SERVER_POSTGRESQL" // its address
	serverPassword   = "E2E_SERVER_PASSWORD"   // there
)

func init() {
	if port := os.Getenv(serverPort); port != "" {
		if err := serveTemporal(port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// serveTemporal serves until it is asked to stop or its test is gone.
func serveTemporal(port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	options := devserver.Options{Database: os.Getenv(serverDatabase), Port: number}
	if address := os.Getenv(serverPostgreSQL); address != "" {
		options.NoUI = true
		options.PostgreSQL = &devserver.PostgreSQL{Address: address, User: postgresUser, Password: os.Getenv(serverPassword)}
	}
	s, err := devserver.Start(options)
	if err != nil {
		return err
	}
	if !strings.HasSuffix(s.Address(), ":"+port) {
		_ = s.Stop() // it serves nobody
		return fmt.Errorf("port %s is taken", port)
	}
	<-askedToEnd()
	return s.Stop()
}

// askedToEnd says that it serves, and is closed when this process has been asked to
// end or its test is gone.
func askedToEnd() <-chan struct{} {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the test
		cancel()
	}()
	fmt.Println("serving")
	return ctx.Done()
}

func newServer(t *testing.T) *server {
	t.Helper()
	return newServerThatKeeps(t, serverDatabase+"="+filepath.Join(t.TempDir(), "temporal.db"))
}

func newServerThatKeeps(t *testing.T, keeps ...string) *server {
	t.Helper()
	s := &server{t: t, port: steadyPort(t), keeps: keeps}
	s.start()
	t.Cleanup(s.kill)
	return s
}

func (s *server) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// start returns when the server answers. A port that is still taken is tried again.
func (s *server) start() {
	s.t.Helper()
	for range 5 {
		program, err := os.Executable()
		require.NoError(s.t, err)
		said := &logBuffer{}
		s.process = exec.Command(program)
		s.process.Env = append(append(os.Environ(), serverPort+"="+strconv.Itoa(s.port)), s.keeps...)
		s.process.Stdout, s.process.Stderr = said, said
		s.stdin, err = s.process.StdinPipe()
		require.NoError(s.t, err)
		require.NoError(s.t, s.process.Start())
		s.ended = make(chan struct{})
		go func(process *exec.Cmd, ended chan struct{}) {
			defer close(ended)
			_ = process.Wait() // what it said tells more
		}(s.process, s.ended)
		if s.serves(said) {
			return
		}
		s.t.Logf("the Temporal server did not start: %s", said)
	}
	s.t.Fatal("no Temporal server")
}

func (s *server) serves(said *logBuffer) bool {
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-s.ended:
			return false
		case <-look.C:
			if strings.Contains(said.String(), "serving") {
				return true
			}
		}
	}
}

// kill ends it on the spot.
func (s *server) kill() { s.end(syscall.SIGKILL) }

// stop asks it to end in order.
func (s *server) stop() { s.end(syscall.SIGTERM) }

func (s *server) end(how syscall.Signal) {
	_ = s.process.Process.Signal(how) // it fails for one that is gone
	<-s.ended
	_ = s.stdin.Close()
}

// steadyPort is a free port of those that no system gives to a connection of its own
// accord, so that nobody takes it while the server is away.
func steadyPort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20_000 + rand.IntN(10_000)
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			require.NoError(t, l.Close())
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}
