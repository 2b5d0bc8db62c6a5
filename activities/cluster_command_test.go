package activities

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/activities/guard"
)

// What is listed is what root ran: a text that only begins like one of ours is shown whole.
func TestATextThatOnlyLooksLikeOneOfOursIsShownWhole(t *testing.T) {
	t.Parallel()
	const token = "abcdefghijklm"
	ours := guard.Wrap(token, "uptime")
	for name, tc := range map[string]struct{ text, shown string }{
		"ours":            {ours, "uptime"},
		"with more to do": {ours + "\nrm -rf /", ours + "\nrm -rf /"},
		"like a stop":     {"export LC_ALL=C\nt=" + token + " d=x; rm -rf /", "export LC_ALL=C\nt=" + token + " d=x; rm -rf /"},
		"of others":       {"nvidia-smi", "nvidia-smi"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := ClusterCommand{Text: tc.text}
			c.read(tc.text)
			require.Equal(t, tc.shown, c.Text)
		})
	}
}
