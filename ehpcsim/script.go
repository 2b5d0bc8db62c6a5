package ehpcsim

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// Script decides what becomes of commands and jobs without running them, so that
// thousands of nodes cost nothing. The same seed, command and node give the same
// outcome.
type Script struct {
	// Duration is how long a command runs: between the two, evenly spread. The
	// zero value ends at once.
	Duration [2]time.Duration

	// ExitCodes are chosen from evenly; repeat one to make it more frequent.
	// None means 0.
	ExitCodes []int

	// OutputBytes is how much each node prints, each something else.
	OutputBytes int

	Seed uint64
}

// fate is what a script holds for one command on one node.
type fate struct {
	duration time.Duration
	exitCode int
	output   string
}

func (s *Script) fate(parts ...string) fate {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(parts, "\x00"))) // it never fails
	dice := rand.New(rand.NewPCG(s.Seed, h.Sum64()))    //nolint:gosec // repeatable on purpose
	f := fate{duration: s.Duration[0]}
	if spread := s.Duration[1] - s.Duration[0]; spread > 0 {
		f.duration += time.Duration(dice.Int64N(int64(spread)))
	}
	if len(s.ExitCodes) > 0 {
		f.exitCode = s.ExitCodes[dice.IntN(len(s.ExitCodes))]
	}
	f.output = printed(dice, s.OutputBytes)
	return f
}

// printed is a text of so many bytes, in lines.
func printed(dice *rand.Rand, size int) string {
	const signs, line = "0123456789abcdef", 64
	text := make([]byte, size)
	for i := range text {
		text[i] = signs[dice.IntN(len(signs))]
		if i%line == line-1 || i == size-1 {
			text[i] = '\n'
		}
	}
	return string(text)
}

// play ends a scripted execution if its time has come. The lock is held.
func (e *execution) play(now time.Time) {
	if e.fate == nil || e.status != statusRunning || e.silent {
		return
	}
	ends, killed := e.started.Add(e.fate.duration), e.started.Add(e.timeout)
	switch {
	case ends.After(killed) && !now.Before(killed):
		e.status, e.exitCode, e.finished = statusFailed, -1, killed
	case !ends.After(killed) && !now.Before(ends):
		e.status, e.exitCode, e.success, e.output, e.finished = statusFinished, e.fate.exitCode, true, e.fate.output, ends
	}
}
