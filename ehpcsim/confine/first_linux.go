package confine

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"sync"
	"syscall"
)

const (
	firstName = "ehpcsim-confined"

	// ordersFD is where the first process finds its socket.
	ordersFD = 3

	// ready is said when the namespaces are; anything else is why they are not.
	ready = "ready"

	// longestOrder fits into the smallest buffer of a socket.
	longestOrder = 64 << 10
)

func init() {
	if os.Args[0] == firstName {
		os.Exit(first(os.Args[1], os.Args[2]))
	}
}

// firstProcess is the node from inside.
type firstProcess struct {
	mu      sync.Mutex
	reports map[int]int   // of running programs: pid to file
	started chan struct{} // holds one when there may be somebody to wait for
}

// first serves orders until nobody can send any.
func first(hostName, nodeDir string) int {
	syscall.CloseOnExec(ordersFD)
	if err := prepare(hostName, nodeDir); err != nil {
		_ = syscall.Sendmsg(ordersFD, []byte(err.Error()), nil, nil, 0) // nobody else to tell
		return 1
	}
	if err := syscall.Sendmsg(ordersFD, []byte(ready), nil, nil, 0); err != nil {
		return 1
	}
	f := &firstProcess{reports: make(map[int]int), started: make(chan struct{}, 1)}
	go f.reap()
	text, rights := make([]byte, longestOrder), make([]byte, syscall.CmsgSpace(2*4))
	for {
		n, nRights, _, _, err := syscall.Recvmsg(ordersFD, text, rights, syscall.MSG_CMSG_CLOEXEC)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil || n == 0:
			return 0
		}
		if output, report, ok := parseRights(rights[:nRights]); ok {
			f.run(text[:n], output, report)
		}
	}
}

func parseRights(rights []byte) (output, report int, ok bool) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil || len(messages) != 1 {
		return 0, 0, false
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 2 {
		return 0, 0, false
	}
	return fds[0], fds[1], true
}

// run starts the program of an order.
func (f *firstProcess) run(text []byte, output, report int) {
	defer syscall.Close(output) //nolint:errcheck // only the program may hold it open
	f.mu.Lock()                 // the program may end before its report is in the map
	defer f.mu.Unlock()
	pid, err := fork(text, output)
	if err != nil {
		say(report, err.Error())
		_ = syscall.Close(report)
		return
	}
	f.reports[pid] = report
	say(report, strconv.Itoa(pid))
	select {
	case f.started <- struct{}{}:
	default:
	}
}

func fork(text []byte, output int) (int, error) {
	var order Order
	if err := json.Unmarshal(text, &order); err != nil {
		return 0, err
	}
	// Not os.StartProcess: its handle would have to be waited for.
	pid, err := syscall.ForkExec(order.Args[0], order.Args, &syscall.ProcAttr{ //nolint:gosec // the simulator wrote the order
		Dir:   order.Dir,
		Env:   order.Env,
		Files: []uintptr{0, uintptr(output), uintptr(output)},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, &os.PathError{Op: "fork/exec", Path: order.Args[0], Err: err}
	}
	return pid, nil
}

// reap waits for whatever ends: the programs, and those of their descendants that
// lost their parent.
func (f *firstProcess) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			<-f.started
		case err == nil:
			f.report(pid, status)
		}
	}
}

func (f *firstProcess) report(pid int, status syscall.WaitStatus) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if report, ok := f.reports[pid]; ok {
		delete(f.reports, pid)
		say(report, strconv.FormatUint(uint64(status), 10))
		_ = syscall.Close(report)
	}
}

// say writes a line of a report. A simulator that is gone has no use for it.
func say(report int, line string) { _, _ = syscall.Write(report, []byte(line+"\n")) }
