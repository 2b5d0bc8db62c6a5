package version

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestABuildSaysItsVersionAndCommit(t *testing.T) {
	t.Parallel()
	info := of(&debug.BuildInfo{
		Main:     debug.Module{Version: "v1.2.3"},
		Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "0123456789abcdef"}, {Key: "vcs.modified", Value: "true"}},
		Deps:     []*debug.Module{{Path: "go.temporal.io/sdk", Version: "v1.50.0"}},
	})
	require.Regexp(t, `^v1\.2\.3 \(commit 0123456789ab, modified\), go1\.\S+ \w+/\w+$`, info.String())
	require.Equal(t, "v1.50.0", info.TemporalSDK)
}

func TestABuildOfWhichNothingIsKnownSaysSo(t *testing.T) {
	t.Parallel()
	require.Regexp(t, `^unknown, go1`, of(nil).String())
}
