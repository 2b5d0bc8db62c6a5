package confine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Node is a node as seen from outside. It is safe for concurrent use.
type Node struct {
	first  *exec.Cmd
	orders *os.File
	gone   chan struct{}
}

// Start starts the first process of a node, with env as its environment; what it
// starts does not inherit that. It returns when the namespaces are ready.
func Start(hostName, nodeDir string, env []string) (*Node, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	first := &exec.Cmd{
		Path:        "/proc/self/exe",
		Args:        []string{firstName, hostName, nodeDir},
		Env:         append([]string{"GOMAXPROCS=1", "GOGC=10"}, env...), // it is idle and should be small
		Dir:         "/",
		ExtraFiles:  []*os.File{theirs},
		SysProcAttr: namespaces(),
	}
	err = first.Start()
	_ = theirs.Close() // so that the end of the first process is the end of the socket
	if err != nil {
		_ = ours.Close()
		return nil, err
	}
	err = awaitReady(ours)
	n := &Node{first, ours, make(chan struct{})}
	go func() {
		defer close(n.gone)
		_ = first.Wait() // nobody asks how
		_ = ours.Close()
	}()
	if err != nil {
		n.Kill()
		<-n.gone
		return nil, err
	}
	return n, nil
}

func awaitReady(orders *os.File) error {
	answer := make([]byte, 1024)
	length, err := orders.Read(answer)
	if err != nil {
		return ErrGone
	}
	if said := string(answer[:length]); said != ready {
		return errors.New(said)
	}
	return nil
}

func namespaces() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
	}
	if os.Geteuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

// socketPair keeps each order in one piece.
func socketPair() (ours, theirs *os.File, err error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_SEQPACKET|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	theirs = os.NewFile(uintptr(fds[1]), "orders")
	if err := syscall.SetNonblock(fds[0], true); err != nil { // so that closing it ends a read
		_ = syscall.Close(fds[0])
		_ = theirs.Close()
		return nil, nil, os.NewSyscallError("setnonblock", err)
	}
	return os.NewFile(uintptr(fds[0]), "orders"), theirs, nil
}

// Pid is that of the first process, outside.
func (n *Node) Pid() int { return n.first.Process.Pid }

// Gone is closed when the first process has ended, and every process of the node
// with it.
func (n *Node) Gone() <-chan struct{} { return n.gone }

// Kill ends every process of the node. It does not wait for that; see Gone.
func (n *Node) Kill() { _ = n.first.Process.Kill() } // it fails for one that is gone

// Program is one that runs on a node.
type Program struct {
	Pid   int             // in the node's own process table
	Ended <-chan struct{} // closed when it has ended; it may have left others running

	status syscall.WaitStatus
	err    error
}

// Status is how the program ended, once it has.
func (p *Program) Status() (syscall.WaitStatus, error) { return p.status, p.err }

// Run starts a program on the node.
func (n *Node) Run(order Order) (*Program, error) {
	report, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	err = n.send(order, writer)
	_ = writer.Close() // the first process holds it
	if err != nil {
		_ = report.Close()
		return nil, err
	}
	lines := bufio.NewReader(report)
	pid, err := readPid(lines)
	if err != nil {
		_ = report.Close()
		return nil, err
	}
	ended := make(chan struct{})
	p := &Program{Pid: pid, Ended: ended}
	go func() {
		defer close(ended)
		defer report.Close() //nolint:errcheck // only read from
		p.status, p.err = readStatus(lines)
	}()
	return p, nil
}

// send passes an order and, with it, the files that it writes to.
func (n *Node) send(order Order, report *os.File) error {
	text, err := json.Marshal(order)
	if err != nil {
		return err
	}
	if len(text) > longestOrder {
		return fmt.Errorf("an order of %d bytes is longer than %d: shorten its arguments or environment", len(text), longestOrder)
	}
	socket, err := n.orders.SyscallConn()
	if err != nil {
		return ErrGone
	}
	files := syscall.UnixRights(int(order.Output.Fd()), int(report.Fd()))
	var failure error
	err = socket.Write(func(fd uintptr) bool {
		failure = syscall.Sendmsg(int(fd), text, files, nil, syscall.MSG_NOSIGNAL)
		return !errors.Is(failure, syscall.EAGAIN)
	})
	switch {
	case err != nil, errors.Is(failure, syscall.EPIPE), errors.Is(failure, syscall.ECONNRESET):
		return ErrGone
	case failure != nil:
		return os.NewSyscallError("sendmsg", failure)
	}
	return nil
}

// A report is the program's pid, or why it could not be started, and in a line of
// its own the wait status.

func readPid(report *bufio.Reader) (int, error) {
	line, err := report.ReadString('\n')
	if err != nil {
		return 0, ErrNoReport
	}
	line = strings.TrimSuffix(line, "\n")
	pid, err := strconv.Atoi(line)
	if err != nil {
		return 0, errors.New(line)
	}
	return pid, nil
}

func readStatus(report io.Reader) (syscall.WaitStatus, error) {
	text, err := io.ReadAll(report)
	if err != nil {
		return 0, err
	}
	status, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 32)
	if err != nil {
		return 0, ErrNoReport
	}
	return syscall.WaitStatus(status), nil
}
