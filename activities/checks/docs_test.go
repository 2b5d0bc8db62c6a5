package checks_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/checks"
)

var update = flag.Bool("update", false, "write the table of docs/doctor.md anew")

const docs = "../../docs/doctor.md"

func TestTheTableOfTheDocsIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- checks -->\n", "<!-- checks end -->"
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(docs, []byte(before+begin+markdown()+end+after), 0o600))
		return
	}
	require.Equal(t, markdown(), table, "go test ./activities/checks -update writes it anew")
}

func markdown() string {
	var b strings.Builder
	b.WriteString("| check | is well when | otherwise |\n|---|---|---|\n")
	for _, entry := range checks.Table {
		name := strings.TrimSpace(entry.Name)
		if strings.HasSuffix(entry.Name, " ") {
			name += " ACTION"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", name, entry.Asks, entry.Remedy)
	}
	return b.String()
}

func TestEveryCheckIsInTheTableAndHasARemedy(t *testing.T) {
	t.Parallel()
	for _, name := range append(append([]string{}, checks.OnStarter...), checks.OnWorker()...) {
		entry := checks.Of(name)
		require.NotEmpty(t, entry.Asks, name)
		require.NotEmpty(t, checks.Fail(name, "broken", "").Remedy, name)
		require.NotContains(t, entry.Remedy, "ACTION", name)
	}
	require.Len(t, checks.Table, len(checks.OnStarter)+len(checks.OnWorker())-len(checks.Actions)+1, "and nothing else is")
}
