package guard_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
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

func TestEveryExitCodeIsThatOfTheCommand(t *testing.T) {
	t.Parallel()
	for code := range 256 {
		left, outcome := newNode(t, shells(t)[0]).wrapped("exit " + strconv.Itoa(code))
		require.Equal(t, ran{"", code}, left)
		require.True(t, outcome.Whole)
	}
}

// maxLength is how many characters the API takes.
const maxLength = 2048

func TestACommandOfTheGreatestLengthBehavesAsIfItWereNotWrapped(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]struct{ before, filling, after string }{
		"one line":           {"echo ", "x", ""},
		"many lines":         {"", "\n", "echo done"},
		"of three bytes":     {"echo '", "界", "'\n"},
		"of four bytes":      {"cat <<X\n", "🚀", "\nX\n"},
		"backslashes":        {"echo '", `\`, `'\`},
		"quotes":             {"cat <<'X'\n", `'"`, "\nX\n"},
		"a heredoc of lines": {"cat <<\\X\n", "END\n", "X\n"},
		"delimiters":         {"wc -l <<\\X\nEND\nEND.\nEND..\n", "END...\n", "X"},
		"an interpreter":     {"#!/usr/bin/env python3\nprint('", "ß", "')"},
	} {
		text := longest(parts.before, parts.filling, parts.after)
		for _, of := range shells(t) {
			t.Run(name+"/"+of.name, func(t *testing.T) {
				t.Parallel()
				requireSame(t, of, text)
			})
		}
	}
}

// longest is the longest text that can be submitted with as many fillings as fit.
func longest(before, filling, after string) string {
	for count := maxLength; ; count-- {
		text := before + strings.Repeat(filling, count) + after
		if utf8.RuneCountInString(text)+guard.Cost(text) <= maxLength {
			return text
		}
	}
}
