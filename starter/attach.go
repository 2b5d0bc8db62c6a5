package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// attachOptions are the flags of attach.
type attachOptions struct {
	cluster, command string
	expect, deadline time.Duration
	json, noWait     bool
}

func (a *app) attachCommand() *cobra.Command {
	var o attachOptions
	cmd := &cobra.Command{
		Use:   "attach --cluster ID --command-id COMMAND",
		Short: "Follow a command that was submitted elsewhere, such as in the console",
		Long: `Follow a command that was submitted elsewhere, such as in the console or by a run that
was terminated: watch it on every node that the service lists for it, durably, read
exit codes and output, and say what became of it. Nothing is submitted.

The service may list the nodes of a new command one by one, and does not say how many
there are: they are listed twice, a minute apart, until both listings name the same.

The run is named attach-CLUSTER-COMMAND, so that one at a time follows a command; all
commands that take a RUN take it, and mean the last one. Once it has ended, however it
did, the command can be attached to again.

The command is not this run's to stop: starter cancel, like Ctrl-C here, ends only the
watching, respectively the waiting, and the command goes on. How old it is the service
does not tell: times count from now. A run of such a command cannot be rerun; starter
run --from takes its nodes.`,
		Example: `  starter attach --cluster ehpc-hz-FYUr32 --command-id c-hz01aaaa
  starter attach --cluster ehpc-hz-FYUr32 --command-id c-hz01aaaa --expect 2h --no-wait`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("attach takes no %q: name the cluster (--cluster) and the command (--command-id)", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := o.input()
			if err != nil {
				return err
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error { return a.attach(cmd.Context(), c, o, in) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.cluster, "cluster", "", "id of the cluster")
	flags.StringVar(&o.command, "command-id", "", "id of the command")
	flags.DurationVar(&o.expect, "expect", 0, "how long the command should take from now: looks at it are close around then (default: not known)")
	flags.DurationVar(&o.deadline, "deadline", 0, "end the run after this time, 2m or more, with what is known (default: 5m after the command's timeout)")
	flags.BoolVar(&o.noWait, "no-wait", false, "do not wait for the end of the command")
	flags.BoolVar(&o.json, "json", false, "write the result as JSON")
	flags.SortFlags = false
	return cmd
}

// leastAttachDeadline leaves a minute after the nodes were made sure of.
const leastAttachDeadline = 2 * time.Minute

func (o attachOptions) input() (workflows.RunCommandInput, error) {
	in := workflows.RunCommandInput{
		ClusterID:       o.cluster,
		Attach:          &workflows.Attachment{CommandID: o.command},
		ExpectedSeconds: int(o.expect / time.Second),
		DeadlineSeconds: int(o.deadline / time.Second),
	}
	var problems []string
	for _, length := range []struct {
		flag string
		time.Duration
	}{{"expect", o.expect}, {"deadline", o.deadline}} {
		if length.Duration%time.Second != 0 {
			problems = append(problems, fmt.Sprintf("--%s is %v: use whole seconds", length.flag, length.Duration))
		}
	}
	judged := in
	if o.deadline >= time.Second && o.deadline < leastAttachDeadline {
		judged.DeadlineSeconds = 0
		problems = append(problems, fmt.Sprintf("--deadline is %v, and making sure of the nodes alone takes a minute: use 2m or more", o.deadline))
	}
	return in, together(problems, judged.Validate())
}

func (a *app) attach(ctx context.Context, c client.Client, o attachOptions, in workflows.RunCommandInput) error {
	id, err := runs.Attach(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, in)
	var exists *runs.ExistsError
	var unreachable *connect.UnreachableError
	switch {
	case errors.As(err, &exists):
		return usageError{fmt.Errorf("run %s follows command %s already: see starter watch %s", id, o.command, id)}
	case err != nil && ctx.Err() != nil && errors.As(err, &unreachable):
		a.note("interrupted; %v", err)
		return errInterrupted
	case err != nil:
		return err
	}
	a.note("run %s follows command %s of cluster %s", id, o.command, o.cluster)
	a.note("its nodes are listed twice, a minute apart, to make sure that none is missing")
	if o.noWait {
		return nil
	}
	report, err := a.follow(ctx, c, id)
	if err != nil {
		return err
	}
	return a.print(report, o.json)
}
