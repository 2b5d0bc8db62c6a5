package checks_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/checks"
	"ehpcflow/docs/kept"
)

const docs = "../../docs/doctor.md"

func TestTheTableOfTheDocsIsThatOfTheCode(t *testing.T) {
	t.Parallel()
	kept.Parts(t, docs, map[string]string{"checks": "\n" + markdown()})
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
