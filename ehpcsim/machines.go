package ehpcsim

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"

	"ehpcflow/ehpcsim/confine"
)

// machine holds what a confined node runs. Its namespaces are made for its first
// command, and anew should its first process have died.
type machine struct {
	mu    sync.Mutex
	ended bool
	node  *confine.Node // nil before the first command
}

// machine of the node with this directory. The lock is held.
func (s *Simulator) machine(nodeDir string) *machine {
	m := s.machines[nodeDir]
	if m == nil {
		m = &machine{}
		s.machines[nodeDir] = m
	}
	return m
}

// running returns the machine's node, started if it has to be.
func (m *machine) running(hostName, nodeDir, mark string) (*confine.Node, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.ended {
		return nil, errVanished
	}
	if m.node != nil {
		select {
		case <-m.node.Gone():
		default:
			return m.node, nil
		}
	}
	node, err := confine.Start(hostName, nodeDir, []string{markVariable + "=" + mark})
	if err != nil {
		return nil, fmt.Errorf("start the node's first process: %w", err)
	}
	m.node = node
	return node, nil
}

// end kills everything on the machine, for good.
func (m *machine) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	if m.node != nil {
		m.node.Kill()
	}
}

// gone waits until nothing runs on a machine that was ended.
func (m *machine) gone() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.node != nil {
		<-m.node.Gone()
	}
}

// startConfined starts a shell on its node.
func (s *Simulator) startConfined(shell *exec.Cmd, output *os.File, hostName, nodeDir string) (*running, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errClosed
	}
	m := s.machine(nodeDir)
	s.mu.Unlock()
	order := confine.Order{Args: shell.Args, Env: shell.Env, Dir: shell.Dir, Output: output}
	node, program, err := m.run(order, hostName, nodeDir, s.id+"/")
	if err != nil {
		return nil, err
	}
	return &running{
		pid:   func() int { return outside(node.Pid(), program.Pid) },
		ended: program.Ended,
		code: func() (int, error) {
			status, err := program.Status()
			return exitStatus(status), err
		},
	}, nil
}

// run runs a program on the machine. A first process that died is noticed at the
// latest when it takes no order, and replaced once.
func (m *machine) run(order confine.Order, hostName, nodeDir, mark string) (*confine.Node, *confine.Program, error) {
	for again := false; ; again = true {
		node, err := m.running(hostName, nodeDir, mark)
		if err != nil {
			return nil, nil, err
		}
		program, err := node.Run(order)
		if again || !errors.Is(err, confine.ErrGone) {
			return node, program, err
		}
		<-node.Gone()
	}
}

var errUnconfined = errors.New("it was asked for")

// Confined returns nil when each node has a host name, a process table and mounts
// of its own, with everything outside its directory read-only; otherwise why they
// have not.
func (s *Simulator) Confined() error { return s.unconfined }

// canConfine tries it.
func (s *Simulator) canConfine() error {
	node, err := confine.Start("probe", s.scratch, []string{markVariable + "=" + s.id + "/"})
	if err != nil {
		return err
	}
	node.Kill()
	<-node.Gone()
	return nil
}
