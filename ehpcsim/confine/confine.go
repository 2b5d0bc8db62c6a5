// Package confine gives a simulated node namespaces of its own: host name, process
// table, IPC and mounts, with everything outside the node's directory read-only.
// Commands of one node see each other's processes; those of two nodes do not.
//
// The program that imports this package starts itself again inside new namespaces,
// under another name. There it is the node's first process: it prepares the
// namespaces, takes orders over a socket, starts a shell for each, reaps whatever
// ends, and reports how the shell ended. It ends with the socket, and the kernel
// ends every process of the node with it.
//
// It knows nothing of clusters and commands. It imports little, so that a first
// process gets to its work before the other packages of the program are prepared.
package confine

import (
	"errors"
	"os"
)

// Order is a program to run on a node.
type Order struct {
	Args []string // the first is the path of the program
	Env  []string // all of it
	Dir  string

	// Output takes what the program writes. The caller keeps it and closes it.
	Output *os.File `json:"-"`
}

// ErrGone is returned for an order to a node whose first process has ended. The
// program was not started.
var ErrGone = errors.New("the node's first process is gone")

// ErrNoReport is returned when a node ended before its program did, or together
// with it.
var ErrNoReport = errors.New("the node's first process ended while the program ran")
