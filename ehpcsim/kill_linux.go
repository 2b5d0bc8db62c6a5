package ehpcsim

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// kill ends a shell and everything that it started: its process group, and every
// process that carries the markers in its environment, which also finds those
// that left the group or became daemons.
func kill(pid int, markers []string) {
	_ = syscall.Kill(-pid, syscall.SIGKILL)
	killMarked(markers...)
}

// killMarked kills the processes whose environment holds all the markers, until
// none is left.
func killMarked(markers ...string) {
	for {
		found := marked(markers)
		for _, pid := range found {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(found) == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// marked lists them. Zombies and processes of others have no readable environment.
func marked(markers []string) []int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	var pids []int
	for _, file := range files {
		environment, err := os.ReadFile(file) //nolint:gosec // below /proc
		if err != nil || !holdsAll(environment, markers) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file))); err == nil && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

func holdsAll(environment []byte, markers []string) bool {
	environment = append([]byte{0}, environment...)
	for _, marker := range markers {
		if !bytes.Contains(environment, []byte("\x00"+marker+"\x00")) {
			return false
		}
	}
	return true
}
