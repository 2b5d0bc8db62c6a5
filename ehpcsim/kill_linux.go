package ehpcsim

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// killPause is what killed processes get to disappear before the process
	// table is read again.
	killPause = 5 * time.Millisecond

	// killPatience bounds the wait for those that not even SIGKILL ends.
	killPatience = 10 * time.Second

	noShell = -1
)

// killTree kills a shell and everything that came of it: the processes that carry
// the mark in their environment, wherever they fled to; those of the shell's
// session, should they have dropped the mark; and the descendants of either. It
// returns when none is left. What dropped the mark, left the session and lost its
// parent is beyond it.
func killTree(mark string, shell int) {
	deadline := time.Now().Add(killPatience)
	// Twice clean, because the environment of a process that is just replacing
	// its program reads as empty.
	for clean := 0; clean < 2 && time.Now().Before(deadline); clean++ {
		for _, pid := range tree(mark, shell) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it fails for those that are gone
			clean = -1
		}
		time.Sleep(killPause)
	}
}

// killMarked kills every process that carries a mark with this beginning, and
// their descendants.
func killMarked(mark string) { killTree(mark, noShell) }

// process is what the process table says of one that lives.
type process struct{ pid, parent, session int }

func tree(mark string, shell int) []int {
	children := make(map[int][]int)
	var due []int
	for _, p := range processTable() {
		children[p.parent] = append(children[p.parent], p.pid)
		if p.session == shell || hasMark(p.pid, mark) {
			due = append(due, p.pid)
		}
	}
	var found []int
	seen := map[int]bool{os.Getpid(): true}
	for len(due) > 0 {
		pid := due[0]
		due = due[1:]
		if !seen[pid] {
			seen[pid] = true
			found = append(found, pid)
			due = append(due, children[pid]...)
		}
	}
	return found
}

// outside finds, in the real process table, a child of a node's first process by
// its pid on the node; noShell if it is not there.
func outside(first, pid int) int {
	for _, p := range processTable() {
		if p.parent == first && pidOnNode(p.pid) == pid {
			return p.pid
		}
	}
	return noShell
}

// pidOnNode is a process's pid in its innermost process table.
func pidOnNode(pid int) int {
	text, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status")) // it fails for those that are gone
	_, pids, _ := strings.Cut(string(text), "\nNSpid:")
	line, _, _ := strings.Cut(pids, "\n")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return noShell
	}
	innermost, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		return noShell
	}
	return innermost
}

func processTable() []process {
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	var table []process
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil { //nolint:gosec // below /proc; it fails for those that are gone
			if p, ok := parseStat(string(text)); ok {
				table = append(table, p)
			}
		}
	}
	return table
}

// parseStat reads "pid (name) state parent group session …"; a name may hold
// spaces and parentheses. Zombies are dead already.
func parseStat(text string) (p process, ok bool) {
	pid, _, _ := strings.Cut(text, " ")
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 4 || fields[0] == "Z" || fields[0] == "X" {
		return p, false
	}
	for to, number := range map[*int]string{&p.pid: pid, &p.parent: fields[1], &p.session: fields[3]} {
		n, err := strconv.Atoi(number)
		if err != nil {
			return p, false
		}
		*to = n
	}
	return p, true
}

// hasMark looks into the environment that a process was started with. Those of
// other users cannot be read.
func hasMark(pid int, mark string) bool {
	environment, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "environ"))
	return err == nil && bytes.Contains(append([]byte{0}, environment...), []byte("\x00"+markVariable+"="+mark))
}
