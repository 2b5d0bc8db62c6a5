package confine

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

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
	return nil
}
