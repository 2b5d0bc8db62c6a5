//go:build unix && !aix && !solaris

package encryption

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock waits until nobody else changes key files of a directory. The directory is locked,
// since a file is replaced. A file system that has no such locks does without.
func lock(dir string) (unlock func(), err error) {
	d, err := os.Open(dir) //nolint:gosec // of the file that the operator names
	if err != nil {
		return nil, err
	}
	unlock = func() { _ = d.Close() }
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(d.Fd()), unix.LOCK_EX)
	}
	for _, none := range []error{unix.EBADF, unix.EINVAL, unix.ENOLCK, unix.ENOSYS, unix.ENOTSUP, unix.EOPNOTSUPP} {
		if errors.Is(err, none) {
			err = nil
		}
	}
	if err != nil {
		unlock()
		return nil, err
	}
	return unlock, nil
}

// giveTo gives a file to the owner and the group of another.
func giveTo(f *os.File, like fs.FileInfo) error {
	stat, is := like.Sys().(*syscall.Stat_t)
	if !is {
		return nil
	}
	if err := f.Chown(int(stat.Uid), int(stat.Gid)); err != nil {
		return fmt.Errorf("it belongs to user %d and group %d, to whom a new one cannot be given (%w)", stat.Uid, stat.Gid, err)
	}
	return nil
}
