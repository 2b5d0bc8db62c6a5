package ehpcsim

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// On Linux a command is confined where the kernel allows it: its processes have
// host name, process table and mounts of their own, with everything outside the
// node's directory read-only. The program that imports this package starts itself
// again inside new namespaces, as confineName; there it is the first process, which
// prepares them, starts the shell, reports how it ended and stays until the last
// process of the command is gone. Killing it kills them all.

const (
	confineName = "ehpcsim-confined"

	// reportFD is where the first process writes the shell's wait status.
	reportFD = 3
)

func init() {
	if os.Args[0] == confineName {
		os.Exit(confined(os.Args[1:]))
	}
}

// confine turns a prepared command into one that runs confined. The report ends
// when the shell has ended, and holds its wait status.
func confine(shell *exec.Cmd, hostName, nodeDir string) (report *os.File, err error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	shell.Args = append([]string{confineName, hostName, nodeDir}, shell.Args...)
	shell.Path = "/proc/self/exe"
	shell.ExtraFiles = []*os.File{writer}
	shell.SysProcAttr = &syscall.SysProcAttr{
		Setsid:     true,
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
	}
	if os.Geteuid() != 0 {
		shell.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		shell.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		shell.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return reader, nil
}

// exitOf reads a report.
func exitOf(report io.Reader) (int, error) {
	text, err := io.ReadAll(report)
	if err != nil {
		return 0, err
	}
	status, err := strconv.ParseUint(string(text), 10, 32)
	if err != nil {
		return 0, errors.New("the confined shell ended without a report")
	}
	return exitStatus(syscall.WaitStatus(status)), nil
}

// confined is the first process: host name, node's directory, and the words of the
// shell.
func confined(args []string) int {
	unix.CloseOnExec(reportFD) // a command that held it would put off its own end
	if err := prepare(args[0], args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "ehpcsim: confine:", err)
		return 125
	}
	shell, err := os.StartProcess(args[2], args[2:], &os.ProcAttr{ //nolint:gosec // the simulator that started this wrote it
		Env:   os.Environ(),
		Files: []*os.File{os.Stdin, os.Stdout, os.Stderr},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, "ehpcsim: start the shell:", err)
		return 126
	}
	_ = os.Stdout.Close() // only the command may hold its output open
	_ = os.Stderr.Close()
	report := os.NewFile(reportFD, "report")
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // the last one is gone
			return 0
		case pid == shell.Pid:
			_, _ = report.WriteString(strconv.FormatUint(uint64(status), 10)) // a simulator that is gone has no use for it
			_ = report.Close()
		}
	}
}

// prepare makes the namespaces what a node looks like.
func prepare(hostName, nodeDir string) error {
	if err := syscall.Sethostname([]byte(hostName)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	if err := unix.Mount(nodeDir, nodeDir, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount the node's directory: %w", err)
	}
	readOnly := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, &readOnly); err != nil {
		return fmt.Errorf("make the mounts read-only: %w", err)
	}
	writable := unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, nodeDir, 0, &writable); err != nil {
		return fmt.Errorf("make the node's directory writable: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount the process table: %w", err)
	}
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	return os.Chdir(wd) // anew: what was open is still below the old mount
}

// canConfine tries it.
func canConfine(dir string) error {
	probe := exec.Command("/bin/true") //nolint:noctx // it ends at once
	var said strings.Builder
	probe.Stderr = &said
	report, err := confine(probe, "probe", dir)
	if err != nil {
		return err
	}
	defer report.Close() //nolint:errcheck // only read from
	err = probe.Run()
	_ = probe.ExtraFiles[0].Close()
	switch {
	case err != nil && said.Len() > 0:
		return errors.New(strings.TrimPrefix(strings.TrimSpace(said.String()), "ehpcsim: confine: "))
	case err != nil:
		return err
	}
	code, err := exitOf(report)
	if err == nil && code != 0 {
		err = fmt.Errorf("a probe ended with %d", code)
	}
	return err
}
