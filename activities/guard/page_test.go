package guard_test

import (
	"fmt"
	"testing"

	"ehpcflow/activities/guard"
	"ehpcflow/docs/kept"
)

const page = "../../docs/on-the-node.md"

func TestThePageShowsWhatIsSubmitted(t *testing.T) {
	t.Parallel()
	const command = "echo hi"
	kept.Parts(t, page, map[string]string{
		"wrapped": "\n```sh\n" + guard.Wrap(anyToken, command) + "```\n",
		"cost":    fmt.Sprintf("%d characters", guard.Cost(command)),
	})
}
