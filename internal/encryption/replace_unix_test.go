//go:build unix && !aix && !solaris

package encryption_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/encryption"
)

// elsewhere is another owner and group that this process may give a file to, if any.
func elsewhere(t *testing.T) (owner, group int) {
	t.Helper()
	if os.Geteuid() == 0 {
		return 12345, 54321
	}
	groups, err := os.Getgroups()
	require.NoError(t, err)
	for _, group := range groups {
		if group != os.Getegid() {
			return os.Geteuid(), group
		}
	}
	t.Skip("there is no other group to give a file to")
	return 0, 0
}

func TestAChangedKeyFileKeepsItsOwnerGroupAndPermissions(t *testing.T) {
	t.Parallel()
	_, file := newKeys(t)
	owner, group := elsewhere(t)
	require.NoError(t, os.Chown(file, owner, group))
	require.NoError(t, os.Chmod(file, 0o640))
	id, err := encryption.Add(file)
	require.NoError(t, err)
	require.NoError(t, encryption.Activate(file, id))
	_, err = encryption.Rotate(file)
	require.NoError(t, err)

	info, err := os.Stat(file)
	require.NoError(t, err)
	stat := info.Sys().(*syscall.Stat_t)
	require.Equal(t, []int{owner, group, 0o640}, []int{int(stat.Uid), int(stat.Gid), int(info.Mode().Perm())})
}

func TestKeysThatAreAddedAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	keys, file := newKeys(t)
	ids := make(chan string)
	for range 20 {
		go func() {
			id, err := encryption.Add(file)
			if err != nil {
				id = err.Error()
			}
			ids <- id
		}()
	}
	added := []string{keys.Active()}
	for range 20 {
		added = append(added, <-ids)
	}
	for _, id := range added {
		require.NoError(t, encryption.Activate(file, id))
	}
}
