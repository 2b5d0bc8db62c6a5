package pipeline

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

// TestAThousandStepsAreReadWithoutEffort counts bytes and no time, so that it is the same on
// a machine that is busy. Each expression once described every step to the checker.
func TestAThousandStepsAreReadWithoutEffort(t *testing.T) {
	var chain strings.Builder
	chain.WriteString("name: chain\ninputs: {a: {type: string, default: x}}\nclusters: {main: ehpc-x}\nsteps:\n")
	for i := range MaxSteps {
		fmt.Fprintf(&chain, "  s%d:\n    command: {run: \"echo ${{ inputs.a }}\", all: true}\n", i)
		if i > 0 {
			fmt.Fprintf(&chain, "    needs: [s%d]\n    when: steps.s%d.succeeded\n", i-1, i-1)
		}
	}
	files := fstest.MapFS{"chain.yaml": {Data: []byte(chain.String())}}
	var file *File
	reading := allocated(func() {
		var err error
		file, err = Read(files, "chain.yaml")
		require.NoError(t, err)
	})
	referring := allocated(func() { References(file.Pipeline) })
	t.Logf("reading took %d MiB, and the references %d MiB", reading>>20, referring>>20)
	require.Less(t, reading, uint64(1<<30))
	require.Less(t, referring, uint64(256<<20))
}

func allocated(by func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	by()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
