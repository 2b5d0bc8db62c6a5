package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const scripts = "testdata/scripts"

func TestACommandBehavesAsIfItWereNotWrapped(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir(scripts)
	require.NoError(t, err)
	require.Greater(t, len(files), 70)
	for _, of := range shells(t) {
		for _, file := range files {
			t.Run(of.name+"/"+file.Name(), func(t *testing.T) {
				t.Parallel()
				text, err := os.ReadFile(filepath.Join(scripts, file.Name()))
				require.NoError(t, err)
				requireSame(t, of, string(text))
			})
		}
	}
}

// requireSame runs a text as it is and wrapped, on nodes that nothing ran on before.
func requireSame(t *testing.T, of shell, text string) {
	t.Helper()
	if program := interpreterOf(text); program != "" {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program, "is not installed")
		}
	}
	direct := newNode(t, shell{of.name, of.sh, of.sh}).run(text)
	wrapped, outcome := newNode(t, of).wrapped(text)
	require.Equal(t, direct, wrapped)
	require.True(t, outcome.Whole)
	require.Empty(t, outcome.Refusal)
}

// interpreterOf is the program that a text's #! line needs, "" without one.
func interpreterOf(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	words := strings.Fields(strings.TrimPrefix(line, "#!"))
	switch {
	case !strings.HasPrefix(line, "#!") || len(words) == 0:
		return ""
	case filepath.Base(words[0]) == "env":
		return words[len(words)-1]
	}
	return words[0]
}
