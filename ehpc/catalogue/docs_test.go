package catalogue_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/ehpc/catalogue"
)

var update = flag.Bool("update", false, "write the table of docs/errors.md anew")

const page = "../../docs/errors.md"

func TestTheTableOfTheDocsIsTheCatalogue(t *testing.T) {
	t.Parallel()
	const begin, end = "<!-- errors -->\n", "<!-- errors end -->"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found)
	table, after, found := strings.Cut(rest, end)
	require.True(t, found)
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+markdown()+end+after), 0o600))
		return
	}
	require.Equal(t, markdown(), table, "go test ./ehpc/catalogue -update writes it anew")
}

func markdown() string {
	var b strings.Builder
	b.WriteString("| class | codes | a read is made again | a submit is sent again |\n|---|---|---|---|\n")
	for _, class := range catalogue.Classes() {
		var codes []string
		for _, entry := range catalogue.Entries() {
			if entry.Class == class {
				codes = append(codes, "`"+entry.Code+"`")
			}
		}
		submit := class.Submit.String()
		if class.MayHaveRun {
			submit = "no: it is looked for"
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s | %s |\n", class.Name, class.Meaning, strings.Join(codes, ", "), class.Read, submit)
	}
	return b.String()
}
