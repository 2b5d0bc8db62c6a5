package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/prometheus/procfs"
)

// childPatience is what a child may take to end when it is told to.
const childPatience = 30 * time.Second

// child is this program again, in a role of its own: so its processor time and
// memory are its own too. It takes its setting from stdin, says on stdout what the
// parent has to know, and ends when stdin does, so that none outlives the parent.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	answer string
}

// usage is what a process has used so far. Only Linux tells.
type usage struct {
	cpuSeconds float64
	peakBytes  uint64
}

func startChild(role string, setting any) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, role) //nolint:gosec,noctx // it is this program; stop ends it
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", role, err)
	}
	c := &child{cmd: cmd, stdin: stdin}
	if err := json.NewEncoder(stdin).Encode(setting); err != nil {
		return nil, errors.Join(fmt.Errorf("start the %s: %w", role, err), c.stop())
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the %s did not start", role), c.stop())
	}
	c.answer = strings.TrimSpace(line)
	return c, nil
}

// stop ends the child, in order if it obeys.
func (c *child) stop() error {
	err := c.stdin.Close()
	killer := time.AfterFunc(childPatience, func() { _ = c.cmd.Process.Kill() })
	defer killer.Stop()
	return errors.Join(err, c.cmd.Wait())
}

func (c *child) usage() (usage, error) {
	process, err := procfs.NewProc(c.cmd.Process.Pid)
	if err != nil {
		return usage{}, err
	}
	stat, err := process.Stat()
	if err != nil {
		return usage{}, err
	}
	status, err := process.NewStatus()
	return usage{stat.CPUTime(), status.VmHWM}, err
}
