package outputs_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/outputs"
)

func key() outputs.Key {
	return outputs.Key{ClusterID: "ehpc-hz-1", RunID: "run-1", CommandID: "c-1", InstanceID: "i-bp1aaaa"}
}

func open(t *testing.T, dir string) outputs.Store {
	t.Helper()
	store, err := outputs.Open(dir)
	require.NoError(t, err)
	return store
}

// read finds an output by its reference, as its reader would.
func read(t *testing.T, ref outputs.Reference) []byte {
	t.Helper()
	uri, err := url.Parse(ref.URI)
	require.NoError(t, err)
	require.Equal(t, "file", uri.Scheme)
	output, err := os.ReadFile(uri.Path)
	require.NoError(t, err)
	digest := sha256.Sum256(output)
	require.Equal(t, hex.EncodeToString(digest[:]), ref.SHA256)
	return output
}

// files are the files below a directory, by their paths.
func files(t *testing.T, dir string) []string {
	t.Helper()
	var found []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			path, err = filepath.Rel(dir, path)
			found = append(found, path)
		}
		return err
	}))
	return found
}

func TestAnOutputIsFoundByItsReference(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "with a space", "100%")
	store := open(t, dir)
	for _, output := range []string{"hello\n", "\xff\x00 no text", strings.Repeat("x", 1<<20), "hello\n"} {
		ref, err := store.Put(t.Context(), key(), []byte(output))
		require.NoError(t, err)
		require.Equal(t, output, string(read(t, ref)))
		require.Equal(t, []string{"ehpc-hz-1/run-1/c-1/i-bp1aaaa"}, files(t, dir), "nothing else is left there")
	}
}

func TestOutputsAreReadableByTheirUserOnly(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	_, err := open(t, dir).Put(t.Context(), key(), []byte("hello"))
	require.NoError(t, err)
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		require.NoError(t, err)
		info, err := entry.Info()
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, path)
		return nil
	}))
}

func TestNoIdLeavesTheDirectoryOrTakesThePlaceOfAnother(t *testing.T) {
	t.Parallel()
	above := t.TempDir()
	dir := filepath.Join(above, "outputs")
	store := open(t, dir)
	uris := make(map[string]bool)
	ids := []string{
		"..", ".", "../..", "/etc/passwd", "a/../../b", "a/b", "a%2Fb", `a\b`, "a\x00b", "a\nb", ".hidden", "ü界", "a\xffb",
		strings.Repeat("x", 1000), strings.Repeat("x", 999) + "y", strings.Repeat("界", 300), "~", "-rf", "A", "a",
	}
	for _, id := range ids {
		for _, k := range []outputs.Key{
			{ClusterID: id, RunID: "r", CommandID: "c", InstanceID: "i"}, {ClusterID: "e", RunID: id, CommandID: "c", InstanceID: "i"},
			{ClusterID: "e", RunID: "r", CommandID: id, InstanceID: "i"}, {ClusterID: "e", RunID: "r", CommandID: "c", InstanceID: id},
		} {
			ref, err := store.Put(t.Context(), k, []byte(id))
			require.NoError(t, err, "%q", id)
			require.Equal(t, id, string(read(t, ref)))
			require.Falsef(t, uris[ref.URI], "%q took the place of another", id)
			uris[ref.URI] = true
		}
	}
	found := files(t, above)
	require.Len(t, found, 4*len(ids))
	for _, file := range found {
		require.Len(t, strings.Split(file, "/"), 5, "outputs/CLUSTER/RUN/COMMAND/INSTANCE")
	}

	_, err := store.Put(t.Context(), outputs.Key{ClusterID: "e", RunID: "r", CommandID: "c"}, nil)
	require.ErrorContains(t, err, "empty")
}

func TestALinkDoesNotLeadOutOfTheDirectory(t *testing.T) {
	t.Parallel()
	dir, elsewhere := t.TempDir(), t.TempDir()
	store := open(t, dir)
	require.NoError(t, os.Symlink(elsewhere, filepath.Join(dir, key().ClusterID)))
	_, err := store.Put(t.Context(), key(), []byte("hello"))
	require.Error(t, err)
	require.Empty(t, files(t, elsewhere))
}

func TestTheSameOutputPutByManyIsWholeAtAllTimes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	output := []byte(strings.Repeat("0123456789", 10_000))
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			ref, err := store.Put(t.Context(), key(), output)
			if err == nil && len(read(t, ref)) == len(output) {
				return
			}
			t.Errorf("put: %v", err)
		})
	}
	group.Wait()
	require.Len(t, files(t, dir), 1)
}

func TestAFailedPutSaysWhatHappenedAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	store := open(t, dir)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "ehpc-hz-1/run-1/c-1/i-bp1aaaa/taken"), 0o700))
	_, err := store.Put(t.Context(), key(), []byte("hello"))
	require.ErrorContains(t, err, "ehpc-hz-1/run-1/c-1/i-bp1aaaa")
	require.ErrorContains(t, err, dir)
	require.Empty(t, files(t, dir))

	require.NoError(t, os.RemoveAll(dir))
	_, err = store.Put(t.Context(), key(), []byte("hello"))
	require.ErrorIs(t, err, os.ErrNotExist, "a directory that vanished is not made anew: it may be one that is no longer mounted")
	require.NoDirExists(t, dir)
}

func TestAPutDoesNotOutlastItsContext(t *testing.T) {
	t.Parallel()
	store := open(t, t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 { // the write may be done as soon
		if _, err := store.Put(ctx, key(), []byte("hello")); err != nil {
			require.ErrorIs(t, err, context.Canceled)
			return
		}
	}
	require.Fail(t, "it never gave up")
}

func TestASettingNamesADirectory(t *testing.T) {
	t.Parallel()
	none, err := outputs.Open("")
	require.NoError(t, err)
	require.Nil(t, none)

	dir := t.TempDir()
	for _, setting := range []string{
		dir, dir + "/", "file://" + dir, "file://localhost" + dir, "file://" + dir + "/a%20b", filepath.Join(dir, "deep", "er"), filepath.Join(dir, "a:b"),
	} {
		ref, err := open(t, setting).Put(t.Context(), key(), []byte("hello"))
		require.NoError(t, err, setting)
		require.True(t, strings.HasPrefix(ref.URI, "file://"+dir+"/"), ref.URI)
		require.Equal(t, "hello", string(read(t, ref)))
	}
	require.DirExists(t, filepath.Join(dir, "a b"))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	for setting, says := range map[string]string{
		"oss://bucket/outputs":   "oss is not supported; give a directory",
		"s3://bucket":            "s3 is not supported; give a directory",
		"file://elsewhere/data":  "no file URI of this machine",
		"file://":                "no file URI of this machine",
		"file:///data?x=1":       "no file URI of this machine",
		dir + "/file":            "cannot be used",
		dir + "/file/below":      "cannot be used",
		"/proc/no-place/outputs": "give a directory that can be made and written",
	} {
		_, err := outputs.Open(setting)
		require.ErrorContains(t, err, says, setting)
	}
}

func TestADirectoryThatCannotBeWrittenIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := filepath.Join(t.TempDir(), "locked")
	require.NoError(t, os.Mkdir(dir, 0o500))
	_, err := outputs.Open(dir)
	require.ErrorIs(t, err, syscall.EACCES)
}
