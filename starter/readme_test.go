package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheReadmeNamesEveryCommandAndEveryExitCode(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	section := func(title string) string {
		_, after, found := strings.Cut(string(text), "\n## "+title+"\n")
		require.True(t, found, title)
		inside, _, _ := strings.Cut(after, "\n## ")
		return inside
	}
	commands, codes := section("What starter can do"), section("Exit codes")
	root := (&app{}).command()
	for _, cmd := range root.Commands() {
		require.Regexp(t, "`"+regexp.QuoteMeta(cmd.Name())+"[ `]", commands, "give it a place in the table of commands")
		if cmd.Name() == "schedule" {
			for _, sub := range cmd.Commands() {
				require.Regexp(t, "[` ]"+sub.Name()+"`", commands, "give it a place in the table of commands")
			}
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^ +(\d+)  `).FindAllStringSubmatch(root.Long, -1) {
		require.Contains(t, codes, "\n| "+line[1]+" | ")
	}
}
