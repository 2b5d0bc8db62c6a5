package ehpcsim

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// keptOutput is how much of a node's output is kept, from its beginning;
	// the sister product keeps as much.
	keptOutput = 24 << 10

	// drainTime is what output may take to arrive after the shell has ended. A
	// child in the background can hold it open for longer.
	drainTime = time.Second
)

// hostnameScript makes `hostname` answer with the node's name, not the machine's,
// where it is not confined.
const hostnameScript = `#!/bin/sh
if [ $# -eq 0 ]; then
	echo "$HOSTNAME"
else
	PATH=${PATH#*:} exec hostname "$@"
fi
`

func (s *Simulator) binDir() string { return filepath.Join(s.scratch, "bin") }

func (s *Simulator) installHostname() error {
	if err := os.MkdirAll(s.binDir(), 0o755); err != nil { //nolint:gosec // commands execute from it
		return err
	}
	return os.WriteFile(filepath.Join(s.binDir(), "hostname"), []byte(hostnameScript), 0o755) //nolint:gosec // it is executed
}

func (s *Simulator) path() string {
	const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if s.unconfined == nil {
		return path
	}
	return s.binDir() + ":" + path
}

// execute runs a command on one node until it ends or its timeout kills it.
func (s *Simulator) execute(c *command, e *execution) {
	exitCode, output, err := s.runShell(c, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.silent {
		return
	}
	e.finished = s.clock.Now()
	e.output = output
	if err != nil {
		e.status, e.exitCode = statusFailed, -1
		if !errors.Is(err, errTimeout) {
			e.output = err.Error()
		}
		return
	}
	e.status, e.exitCode, e.success = statusFinished, exitCode, true
}

var (
	errTimeout  = errors.New("killed at its timeout")
	errClosed   = errors.New("the simulator was closed")
	errVanished = errors.New("the node vanished")
)

// program is a text that is run on a node.
type program struct {
	name, clusterID, text, workingDir string
	node                              Node
	timeout                           time.Duration
	env                               []string        // beside the node's own
	cut                               <-chan struct{} // closed when it is to end
}

func (s *Simulator) runShell(c *command, e *execution) (exitCode int, output string, err error) {
	return s.runText(program{
		name: c.id, clusterID: c.clusterID, text: c.text, workingDir: c.workingDir, node: e.node, timeout: c.timeout,
		env: []string{"EHPC_COMMAND_ID=" + c.id}, cut: e.vanished,
	})
}

// runText writes the text to a file and runs it, as the real agent does: so a
// text that begins with #! finds its interpreter, and $0 names a file. Directories for
// further files are made.
func (s *Simulator) runText(p program, files ...string) (exitCode int, output string, err error) {
	node := p.node
	root := s.nodeDir(p.clusterID, node.InstanceID)
	home := filepath.Join(root, "root")
	tmp := filepath.Join(root, "tmp")
	dir := filepath.Join(root, filepath.Join("/", p.workingDir))
	script := filepath.Join(root, "commands", p.name+".sh")
	dirs := []string{home, tmp, dir, filepath.Dir(script)}
	for _, file := range files {
		dirs = append(dirs, filepath.Dir(file))
	}
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o755); err != nil { //nolint:gosec // a node's own files
			return 0, "", err
		}
	}
	if err := writeScript(script, p.text); err != nil {
		return 0, "", err
	}
	words := []string{"/bin/sh", script}
	if strings.HasPrefix(p.text, "#!") {
		words = words[1:]
	}
	shell := exec.Command(words[0], words[1:]...) //nolint:gosec,noctx // running what is typed is its purpose; killTree ends it
	shell.Dir = dir
	shell.Env = append([]string{
		"PATH=" + s.path(),
		"LANG=C.UTF-8",
		"TERM=dumb",
		"HOME=" + home,
		"TMPDIR=" + tmp,
		"HOSTNAME=" + node.HostName,
		"EHPC_INSTANCE_ID=" + node.InstanceID,
		"EHPC_CLUSTER_ID=" + p.clusterID,
		markVariable + "=" + s.mark(p.name, node),
	}, p.env...)
	return s.await(p, shell, root)
}

// writeScript keeps other commands from being forked while the file is open: one
// that inherited it would make executing it fail as busy.
func writeScript(path, text string) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), 0o755) //nolint:gosec // it is executed
}

// running is a shell that was started.
type running struct {
	pid   func() int // in the real process table, or noShell if it is not there
	ended <-chan struct{}
	code  func() (int, error) // once it has ended
}

// start starts the shell, confined to its node if that is possible. All that the
// shell writes goes to the output.
func (s *Simulator) start(shell *exec.Cmd, output *os.File, hostName, nodeDir string) (*running, error) {
	if s.unconfined == nil {
		return s.startConfined(shell, output, hostName, nodeDir)
	}
	shell.Stdout, shell.Stderr = output, output
	shell.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := shell.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = shell.Wait() // ProcessState says it better
	}()
	return &running{func() int { return shell.Process.Pid }, ended, func() (int, error) {
		return exitStatus(shell.ProcessState.Sys().(syscall.WaitStatus)), nil
	}}, nil
}

// await waits for the end of a text: of its shell, its timeout, its node, or the
// simulator.
func (s *Simulator) await(p program, shell *exec.Cmd, nodeDir string) (exitCode int, output string, err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return 0, "", err
	}
	started, err := s.start(shell, writer, p.node.HostName, nodeDir)
	_ = writer.Close() // the shell holds it now
	if err != nil {
		_ = reader.Close()
		return 0, "", fmt.Errorf("start the shell: %w", err)
	}
	kept := &boundedBuffer{limit: keptOutput}
	drained := make(chan struct{})
	s.running.Go(func() {
		defer close(drained)
		kept.drain(reader)
	})
	s.running.Go(func() {
		select {
		case <-drained:
		case <-s.closing: // also from a process that cannot be found
		}
		_ = reader.Close()
	})
	timeout := time.NewTimer(p.timeout)
	defer timeout.Stop()
	var cut error
	select {
	case <-started.ended:
	case <-timeout.C:
		cut = errTimeout
	case <-s.closing:
		cut = errClosed
	case <-p.cut:
		cut = errVanished
	}
	if cut != nil {
		killTree(s.mark(p.name, p.node), started.pid())
		<-started.ended
	}
	select {
	case <-drained:
	case <-time.After(drainTime):
	}
	if cut != nil {
		return 0, kept.String(), cut
	}
	exitCode, err = started.code()
	return exitCode, kept.String(), err
}

// markVariable stands in the environment of every process that a simulator
// starts, and begins with the simulator's own id.
const markVariable = "EHPCSIM_MARK"

// mark of the processes of one text on one node.
func (s *Simulator) mark(name string, node Node) string {
	return s.id + "/" + name + "/" + node.InstanceID + "/"
}

// exitStatus is a shell's exit code; 128 and the number for one that a signal
// ended, as a shell reports it.
func exitStatus(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// boundedBuffer keeps the beginning of what it is given.
type boundedBuffer struct {
	mu    sync.Mutex
	limit int
	bytes []byte
}

// drain reads to the end, so that no writer blocks, and keeps up to the limit.
func (b *boundedBuffer) drain(from *os.File) {
	chunk := make([]byte, 32<<10)
	for {
		n, err := from.Read(chunk)
		b.mu.Lock()
		b.bytes = append(b.bytes, chunk[:min(n, b.limit-len(b.bytes))]...)
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (b *boundedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return string(b.bytes)
}
