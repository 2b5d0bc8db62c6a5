package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table of docs/worker.md anew")

const page = "../docs/worker.md"

func TestTheTableOfTheDocsIsThatOfTheSettings(t *testing.T) {
	const begin, end = "<!-- settings -->\n", "<!-- settings end -->"
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
	require.Equal(t, markdown(), table, "go test ./worker -update writes it anew")
}

func markdown() string {
	var b strings.Builder
	b.WriteString("| flag and key | variable | default | what it is | what it leads to |\n|---|---|---|---|---|\n")
	for _, s := range new(options).settings() {
		byDefault := s.unset
		if text := s.value.String(); text != "" {
			byDefault = "`" + text + "`"
		}
		name := "`--" + s.name + "`"
		if s.onlyOutside {
			name += ", no key"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", name, strings.Join(s.env(), "`, `"), cmp.Or(byDefault, "none"), s.is, s.consequence)
	}
	return b.String()
}
