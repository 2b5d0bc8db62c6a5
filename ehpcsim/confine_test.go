package ehpcsim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpcsim"
)

func TestAConfinedCommandSeesItsNodeAndHarmsNothing(t *testing.T) {
	t.Parallel()
	b := newBundle(t)
	if err := b.Confined(); err != nil {
		t.Skip("this kernel does not allow it: ", err)
	}
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("kept"), 0o600))
	got := b.run(`hostname; ls /proc | grep -c '^[0-9]'; echo x > inside && cat inside; rm -f ` + outside + ` 2>/dev/null; echo x > ` + outside + `; true`)
	lines := strings.Split(got.Message, "\n")
	require.Equal(t, b.host, lines[0], "the real hostname command")
	require.LessOrEqual(t, len(lines[1]), 1, "a handful of processes, not the machine's: %s", lines[1])
	require.Equal(t, "x", lines[2], "its own directory is writable")
	text, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "kept", string(text))
	require.Contains(t, got.Message, "Read-only file system")
	require.Contains(t, b.Warning(), "writes to its own directory only")
	require.Equal(t, 0, b.run("f=$(mktemp) && echo x > $f").ExitCode)
}

func TestWithoutConfinementTheSimulatorSaysSo(t *testing.T) {
	t.Parallel()
	b := newBundleOf(t, ehpcsim.Config{Unconfined: true}, ehpcsim.DemoCluster(clusterID, 2))
	require.Error(t, b.Confined())
	require.Contains(t, b.Warning(), "They are not confined (it was asked for)")
	got := b.run("hostname; echo hi; exit 3")
	require.Equal(t, b.host+"\nhi\n", got.Message)
	require.Equal(t, 3, got.ExitCode)
	require.Equal(t, 128+9, b.run("kill -9 $$").ExitCode)

	id := b.submit(`(trap '' TERM; sleep 62) & setsid env -i sleep 60.75 & sleep 63`, map[string]string{"Timeout": "1"})
	require.Eventually(t, func() bool { return sleeping(t, "60.75") }, soon, often)
	require.Equal(t, -1, b.end(id).ExitCode)
	require.False(t, sleeping(t, "60.75"))
}
