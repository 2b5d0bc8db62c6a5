package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

func (a *app) answerCommand() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "answer RUN (adopt COMMAND_ID | resubmit | abandon)",
		Short: "Answer the question of a run that cannot find out what became of its submit",
		Long: `Answer the question of a run that cannot find out what became of its submit.
Look into the cluster's command list, in the E-HPC console, first.

  adopt COMMAND_ID  this command is the one: follow it
  resubmit          nothing was started: submit again
  abandon           give up: the nodes end as unknown

The answer is kept in the run's result, with who gave it and why.`,
		Example: `  starter answer run-20261124-081605-x7k2qd adopt c-hz01xxxx --why "seen in the console"`,
		Args: func(_ *cobra.Command, args []string) error {
			_, err := answerOf(args)
			return err
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := answerOf(args)
			if err != nil {
				return err
			}
			answer.Why = why
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				if err := runs.AnswerQuestion(cmd.Context(), c, args[0], answer); err != nil {
					return err
				}
				a.note("run %s goes on", args[0])
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&why, "why", "", "reason, kept with the answer")
	return cmd
}

// answerOf reads the words after the run's name.
func answerOf(args []string) (workflows.Answer, error) {
	wrong := func(format string, more ...any) error { return usageError{fmt.Errorf(format, more...)} }
	if len(args) < 2 {
		return workflows.Answer{}, wrong("answer takes the name of a run and one of: adopt COMMAND_ID, resubmit, abandon")
	}
	answer := workflows.Answer{Choice: workflows.Choice(args[1])}
	switch more := len(args) - 2; {
	case answer.Choice == workflows.Adopt && more == 1:
		answer.CommandID = args[2]
	case answer.Choice == workflows.Adopt:
		return answer, wrong("adopt takes the id of one command")
	case answer.Choice != workflows.Resubmit && answer.Choice != workflows.Abandon:
		return answer, wrong("%q is no answer: use adopt COMMAND_ID, resubmit or abandon", args[1])
	case more > 0:
		return answer, wrong("%s takes nothing more", answer.Choice)
	}
	return answer, nil
}
