// Package kept keeps files equal to the code that they tell of. It is for tests: each has
// the flag -update, which writes the file anew.
package kept

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what is kept equal to the code anew")

// Parts requires that between the marks <!-- NAME --> and <!-- NAME end --> a page has
// the text under that name in parts.
func Parts(t *testing.T, page string, parts map[string]string) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	written := string(text)
	for name, part := range parts {
		begin, end := "<!-- "+name+" -->", "<!-- "+name+" end -->"
		before, rest, found := strings.Cut(written, begin)
		require.True(t, found, "%s has no mark %s", page, begin)
		_, after, found := strings.Cut(rest, end)
		require.True(t, found, "%s has no mark %s", page, end)
		written = before + begin + part + end + after
	}
	Whole(t, page, written)
}

// Whole requires that a file holds this text and nothing else.
func Whole(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	written, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, text, string(written), "the test's flag -update writes %s anew", file)
}
