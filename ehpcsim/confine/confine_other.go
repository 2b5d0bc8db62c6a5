//go:build !linux

package confine

import (
	"errors"
	"syscall"
)

var errNotHere = errors.New("only Linux can confine commands")

// Node is never had here.
type Node struct{}

// Start fails.
func Start(string, string, []string) (*Node, error) { return nil, errNotHere }

// Pid of no process.
func (*Node) Pid() int { return 0 }

// Gone is never asked.
func (*Node) Gone() <-chan struct{} { return nil }

// Kill does nothing.
func (*Node) Kill() {}

// Run fails.
func (*Node) Run(Order) (*Program, error) { return nil, errNotHere }

// Program never runs here.
type Program struct {
	Pid   int
	Ended <-chan struct{}
}

// Status fails.
func (*Program) Status() (syscall.WaitStatus, error) { return 0, errNotHere }
