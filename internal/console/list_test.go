package console

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/internal/runs"
)

func TestACommandOfSeveralLinesIsListedInOneWithItsEndsMarked(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	list := runs.List{Runs: []runs.Listed{
		{RunID: "r-1", StartedAt: began, Command: "set -e\n\n  make  all\n"},
		{RunID: "r-2", StartedAt: began, Command: strings.Repeat("x", 60)},
	}}
	var out bytes.Buffer
	require.NoError(t, WriteList(&out, list))
	require.Contains(t, out.String(), "set -e ⏎ make all")
	require.Contains(t, out.String(), " "+strings.Repeat("x", 49)+"…\n")
}
