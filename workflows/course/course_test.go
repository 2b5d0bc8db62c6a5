package course

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ehpcflow/pipeline"
)

// said is a decision in words: the steps that start, those that are skipped, and over.
func said(c Course) string {
	d := c.Next()
	var words []string
	for _, at := range d.Start {
		words = append(words, "start "+c.Steps[at].Name)
	}
	for _, skip := range d.Skip {
		words = append(words, fmt.Sprintf("skip %s (%s)", c.Steps[skip.Step].Name, skip.Why))
	}
	if d.Over {
		words = append(words, "over")
	}
	return strings.Join(words, ", ")
}

func of(name string, state State, needs ...int) Step {
	return Step{Name: name, State: state, Needs: needs, Behind: None}
}

func (s Step) then(do pipeline.FailureAction) Step { s.Then = do; return s }
func (s Step) behind(at int) Step                  { s.Behind = at; return s }

func TestWhatIsDoneNextFollowsFromHowTheStepsStand(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		course Course
		want   string
	}{
		"what needs nothing starts":   {Course{Steps: []Step{of("a", Waiting), of("b", Waiting, 0)}}, "start a"},
		"a need that runs is awaited": {Course{Steps: []Step{of("a", Running), of("b", Waiting, 0)}}, ""},
		"a need that passed will do":  {Course{Steps: []Step{of("a", Passed), of("b", Waiting, 0)}}, "start b"},
		"a need that was skipped":     {Course{Steps: []Step{of("a", Skipped), of("b", Waiting, 0)}}, "skip b (it needs a, which was skipped)"},
		"a failure that is gone on after": {
			Course{Steps: []Step{of("a", Failed).then(pipeline.Continue), of("b", Waiting, 0)}}, "start b"},
		"its rollback is awaited": {
			Course{Steps: []Step{of("a", Failed).then(pipeline.Continue), of("r", Running).behind(0), of("b", Waiting, 0)}}, ""},
		"a rollback starts although all others stop": {
			Course{Steps: []Step{of("a", Failed), of("r", Waiting).behind(0), of("b", Waiting)}}, "start r, skip b (not started after a failed)"},
		"a rollback is not needed": {Course{Steps: []Step{of("a", Succeeded), of("r", Waiting).behind(0)}}, "skip r (a did not fail)"},
		"a rollback that failed stops nothing": {
			Course{Steps: []Step{of("a", Failed).then(pipeline.Skip), of("r", Failed).behind(0), of("b", Waiting)}}, "start b"},
		"nothing starts when cancelled": {
			Course{Canceled: true, Steps: []Step{of("a", Failed), of("r", Waiting).behind(0), of("b", Waiting), of("c", Running)}},
			"skip r (cancelled before it was started), skip b (cancelled before it was started)"},
		"nothing starts when held":    {Course{Held: true, Steps: []Step{of("a", Waiting)}}, ""},
		"one of finally stops nobody": {Course{Last: true, Steps: []Step{of("a", Failed), of("b", Waiting), of("c", Waiting, 0)}}, "start b, skip c (it needs a, which failed)"},
		"all have ended":              {Course{Steps: []Step{of("a", Failed), of("b", Skipped), of("c", Canceled)}}, "over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.course.AtOnce, tc.course.HeavyAtOnce = 9, 9
			require.Equal(t, tc.want, said(tc.course))
		})
	}
}

func TestNoMoreStartThanThereArePlaces(t *testing.T) {
	t.Parallel()
	heavy := func(name string, state State) Step {
		step := of(name, state)
		step.Heavy = true
		return step
	}
	steps := []Step{heavy("a", Running), heavy("b", Waiting), of("c", Waiting), of("d", Waiting), of("e", Waiting)}
	require.Equal(t, "start c, start d", said(Course{AtOnce: 3, HeavyAtOnce: 1, Steps: steps}))
	require.Equal(t, "start b", said(Course{AtOnce: 2, HeavyAtOnce: 2, Steps: steps}))
	require.Empty(t, said(Course{AtOnce: 1, HeavyAtOnce: 2, Steps: steps}))
}

func TestAFailureIsThePipelinesUnlessItIsGoneOnAfter(t *testing.T) {
	t.Parallel()
	steps := []Step{
		of("a", Failed).then(pipeline.Continue), of("r", Failed).then(pipeline.Continue).behind(0), of("b", Failed).then(pipeline.Skip), of("c", Succeeded), of("d", Skipped),
	}
	require.Equal(t, Sum{Succeeded: 1, Failed: []string{"r", "b"}, Tolerated: []string{"a"}}, Course{Steps: steps}.Sum())
	require.Equal(t, []string{"a", "r", "b"}, Course{Last: true, Steps: steps}.Sum().Failed)
}
