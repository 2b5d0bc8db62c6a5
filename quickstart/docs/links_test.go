package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	block   = regexp.MustCompile("(?ms)^```.*?^```$")
	unnamed = regexp.MustCompile(`[^\p{L}\p{N} _-]`) // what an anchor leaves out of its heading
)

// anchors are those that a page's headings have where it is shown.
func anchors(page string) map[string]bool {
	found := make(map[string]bool)
	for _, match := range heading.FindAllStringSubmatch(block.ReplaceAllString(page, ""), -1) {
		found[strings.ReplaceAll(unnamed.ReplaceAllString(strings.ToLower(match[1]), ""), " ", "-")] = true
	}
	return found
}

func TestEveryLinkOfThePagesLeadsSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(top + "/docs/*.md")
	require.NoError(t, err)
	index, err := os.ReadFile(top + "/docs/README.md")
	require.NoError(t, err)
	for _, page := range append(pages, top+"/README.md", top+"/docs/bench/results.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, match := range link.FindAllStringSubmatch(block.ReplaceAllString(string(text), ""), -1) {
			path, anchor, _ := strings.Cut(match[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.Join(filepath.Dir(page), path)
			}
			there, err := os.ReadFile(target)
			if info, found := os.Stat(target); found == nil && info.IsDir() {
				err = nil
			}
			if err != nil || anchor != "" && !anchors(string(there))[anchor] {
				t.Errorf("%s: %s leads nowhere", page, match[1])
			}
		}
		if name := filepath.Base(page); filepath.Dir(page) == top+"/docs" && name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("%s: docs/README.md, the index, has no link to it", page)
		}
	}
}

func TestAnAnchorIsMadeOfItsHeading(t *testing.T) {
	t.Parallel()
	require.Equal(t, map[string]bool{"verdicts-and-exit-codes": true, "its-runs": true, "what-starter-can-do": true, "json-how": true},
		anchors("# Verdicts and exit codes\ntext\n## Its runs\n```sh\n# no heading\n```\n### What `starter` can do\n## JSON: how?\n"))
}
