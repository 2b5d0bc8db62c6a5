package guard_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

var update = flag.Bool("update", false, "write what the page quotes anew")

const page = "../../docs/on-the-node.md"

func TestThePageShowsWhatIsSubmitted(t *testing.T) {
	t.Parallel()
	const command = "echo hi"
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	written := quote(t, string(text), "wrapped", "\n```sh\n"+guard.Wrap(anyToken, command)+"```\n")
	written = quote(t, written, "cost", fmt.Sprintf("%d characters", guard.Cost(command)))
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(written), 0o600))
		return
	}
	require.Equal(t, written, string(text), "go test ./activities/guard -update writes it anew")
}

// quote puts a text between the two marks of this name.
func quote(t *testing.T, page, name, text string) string {
	t.Helper()
	begin, end := "<!-- "+name+" -->", "<!-- "+name+" end -->"
	before, rest, found := strings.Cut(page, begin)
	require.True(t, found, begin)
	_, after, found := strings.Cut(rest, end)
	require.True(t, found, end)
	return before + begin + text + end + after
}
