package e2e

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// postgresUser is whom the databases of a postgres belong to.
const postgresUser = "temporal"

// postgres is a PostgreSQL server from the distribution's package, in a process of
// its own, that can be ended and started again on its port and data.
type postgres struct {
	t        *testing.T
	programs string // directory of initdb and its like
	dir      string
	port     int
	password string
	as       *syscall.Credential // nil is as this test
	process  *exec.Cmd
	said     *logBuffer
	answer   string        // of pg_isready, the last one
	ended    chan struct{} // closed when the process has ended
}

func newPostgres(t *testing.T) *postgres {
	t.Helper()
	p := &postgres{t: t, programs: postgresPrograms(t), port: steadyPort(t), password: rand.Text()}
	var err error
	p.dir, err = os.MkdirTemp("", "ehpcflow-postgresql-") //nolint:usetesting // only this test's own user can enter that one's
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(p.dir) })
	if os.Getuid() == 0 {
		p.as = credentialOf(t, "postgres")
		require.NoError(t, os.Chown(p.dir, int(p.as.Uid), int(p.as.Gid)))
	}
	secret := filepath.Join(p.dir, "password")
	require.NoError(t, os.WriteFile(secret, []byte(p.password), 0o644)) // of a server that lives as long as this test
	out, err := p.command("initdb", "--pgdata", p.data(), "--username", postgresUser, "--pwfile", secret,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8").CombinedOutput()
	require.NoError(t, err, "%s", out)
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("PostgreSQL said: %s\npg_isready said: %s", p.said, p.answer)
		}
	})
	p.start()
	return p
}

// postgresPrograms is where the programs are. Without them a test is skipped, but not
// in CI.
func postgresPrograms(t *testing.T) string {
	t.Helper()
	if found, err := exec.LookPath("initdb"); err == nil {
		found, err = filepath.EvalSymlinks(found) // its fellows need not be in PATH
		require.NoError(t, err)
		return filepath.Dir(found)
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // Debian keeps them out of PATH
	require.NoError(t, err)
	if len(found) == 0 {
		const missing = "PostgreSQL is missing (Debian's package postgresql): nothing runs on it"
		require.Empty(t, os.Getenv("CI"), missing)
		t.Skip(missing)
	}
	return filepath.Dir(found[len(found)-1])
}

// credentialOf is a user's. PostgreSQL refuses to run as root.
func credentialOf(t *testing.T, name string) *syscall.Credential {
	t.Helper()
	account, err := user.Lookup(name)
	require.NoError(t, err, "PostgreSQL refuses to run as root: add a user %s", name)
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	require.NoError(t, err)
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	require.NoError(t, err)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

func (p *postgres) data() string { return filepath.Join(p.dir, "data") }

func (p *postgres) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

func (p *postgres) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(p.programs, program), args...)
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "PGPASSWORD=" + p.password}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	return cmd
}

// start returns when the server takes connections. One that was killed leaves
// processes that may hold its memory a moment longer: it is tried again.
func (p *postgres) start() {
	p.t.Helper()
	await(p.t, time.Minute, "PostgreSQL takes connections", func() bool {
		if p.process == nil || p.gone() {
			p.launch()
		}
		out, err := p.command("pg_isready", "--host", "127.0.0.1", "--port", strconv.Itoa(p.port), "--timeout", "3").CombinedOutput()
		p.answer = fmt.Sprintf("%s (%v)", bytes.TrimSpace(out), err)
		return err == nil
	})
}

func (p *postgres) launch() {
	p.process = p.command("postgres", "-D", p.data(), "-p", strconv.Itoa(p.port),
		"-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=")
	p.said = &logBuffer{}
	p.process.Stdout, p.process.Stderr = p.said, p.said
	require.NoError(p.t, p.process.Start())
	p.ended = make(chan struct{})
	go func(process *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = process.Wait() // what it said tells more
	}(p.process, p.ended)
}

func (p *postgres) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// kill ends it on the spot: what it had not yet put into its tables is in its log.
func (p *postgres) kill() {
	_ = p.process.Process.Kill() // it fails for one that is gone
	<-p.ended
}

// size of the databases that Temporal keeps here, in bytes.
func (p *postgres) size() int {
	p.t.Helper()
	out, err := p.command("psql", "--host", "127.0.0.1", "--port", strconv.Itoa(p.port), "--username", postgresUser,
		"--dbname", "postgres", "--no-align", "--tuples-only", "--command",
		"SELECT sum(pg_database_size(datname)) FROM pg_database WHERE datname LIKE 'temporal%'").CombinedOutput()
	require.NoError(p.t, err, "%s", out)
	size, err := strconv.Atoi(strings.TrimSpace(string(out)))
	require.NoError(p.t, err, "%s", out)
	return size
}
