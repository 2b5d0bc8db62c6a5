package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// rerunOptions are the flags of rerun, but for those that replace an option of the
// past run.
type rerunOptions struct {
	policyOptions
	only string
	id   string
	json bool
}

// replacements are the flags that replace a length of time of the past run.
var replacements = []struct {
	flag, usage string
	zero        bool // is a length too
	seconds     func(*workflows.RolloutInput) *int
}{
	{"timeout", "kill the command on a node after this time", false, func(in *workflows.RolloutInput) *int { return &in.TimeoutSeconds }},
	{"expect", "how long the command should take; 0 is not known", true, func(in *workflows.RolloutInput) *int { return &in.ExpectedSeconds }},
	{"deadline", "end the run after this time; 0 is never", true, func(in *workflows.RolloutInput) *int { return &in.DeadlineSeconds }},
	{"grace", "when the run is cancelled, time from TERM to KILL", false, func(in *workflows.RolloutInput) *int { return &in.GraceSeconds }},
	{"stop-within", "when the run is cancelled, end it after this time", false, func(in *workflows.RolloutInput) *int { return &in.StopWithinSeconds }},
}

func (a *app) rerunCommand() *cobra.Command {
	var o rerunOptions
	cmd := &cobra.Command{
		Use:   "rerun RUN [--only SET,…] [flags]",
		Short: "Run the command of a past run again, where it did not succeed",
		Long: `Run the command of a past run again, with the same options, on the nodes where it
failed, was lost or was skipped, or on those of other sets (--only). A flag replaces
the option of the past run; another command is a new run, see starter run --from.

A rerun of a rollout is a rollout with the same policy, without what was changed while
it went on. The word none takes a part of it away (--waves none), and any of its flags
makes the rerun of a plain run a rollout.

The sets are succeeded, failed (nonzero, failed, timed_out and stopped), nonzero,
timed_out, stopped, lost, skipped, and unknown. On a node of the last the command may
still be running: such nodes are left out, and counted on stderr, unless the set is
named. So are nodes that succeeded in a later rerun.

The new run is named after the first of its chain, FIRST-r2, FIRST-r3 and so on;
starter history shows the chain.`,
		Example: `  starter rerun run-20261124-081605-x7k2qd
  starter rerun run-20261124-081605-x7k2qd --only timed_out --timeout 4h`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return usageError{fmt.Errorf("rerun takes the name of one run and no command: another command is a new run, "+
					"starter run --from failed:%s -- COMMAND", args[0])}
			}
			return oneRun("rerun")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			sets, replace, err := o.read(cmd.Flags())
			if err != nil {
				return err
			}
			return a.withTemporal(cmd.Context(), func(c client.Client) error {
				return a.rerun(cmd.Context(), c, args[0], o, sets, replace)
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.only, "only", runs.RerunSets, "sets of nodes, with commas between them")
	for _, r := range replacements {
		flags.Duration(r.flag, 0, r.usage+" (default: as RUN)")
	}
	flags.Int("nodes-per-command", 0, "submit a long list of nodes in parts of this many (default: as RUN)")
	flags.Bool("raw", false, "send the text untouched (default: as RUN)")
	flags.String("workdir", "", "directory to run in on the node (default: as RUN)")
	o.register(flags, func(usage string) string { return usage + " (default: as RUN)" })
	flags.StringVar(&o.id, "id", "", "name of the new run; a name runs once, whoever asks (default: FIRST-r2, FIRST-r3 and so on)")
	flags.BoolVar(&o.json, "json", false, "write the result as JSON")
	flags.SortFlags = false
	return cmd
}

// read checks the flags, with everything that is wrong in one message, and returns the
// sets and what replaces options of the past run.
func (o rerunOptions) read(flags *pflag.FlagSet) (sets []runs.Set, replace func(*workflows.RolloutInput), err error) {
	var problems []string
	if sets, err = runs.ParseSets(o.only); err != nil {
		problems = append(problems, "--only: "+err.Error())
	}
	if flags.Changed("id") {
		if err := checkID(o.id); err != nil {
			problems = append(problems, err.Error())
		}
	}
	for _, r := range replacements {
		length, _ := flags.GetDuration(r.flag)
		switch {
		case !flags.Changed(r.flag):
		case length%time.Second != 0:
			problems = append(problems, fmt.Sprintf("--%s is %v: use whole seconds", r.flag, length))
		case length == 0 && !r.zero:
			problems = append(problems, fmt.Sprintf("--%s is 0: use 1s or more", r.flag))
		}
	}
	perCommand, _ := flags.GetInt("nodes-per-command")
	if flags.Changed("nodes-per-command") && perCommand == 0 {
		problems = append(problems, "--nodes-per-command is 0: use 1 or more")
	}
	_, wrong := o.policy(policy.Policy{}, true)
	if problems = append(problems, wrong...); len(problems) > 0 {
		return nil, nil, &workflows.InputError{Problems: problems}
	}
	return sets, func(in *workflows.RolloutInput) {
		for _, r := range replacements {
			if flags.Changed(r.flag) {
				length, _ := flags.GetDuration(r.flag)
				*r.seconds(in) = int(length / time.Second)
			}
		}
		if flags.Changed("nodes-per-command") {
			in.NodesPerCommand = perCommand
		}
		if flags.Changed("raw") {
			in.Raw, _ = flags.GetBool("raw")
		}
		if flags.Changed("workdir") {
			in.WorkingDir, _ = flags.GetString("workdir")
		}
		in.Policy, _ = o.policy(in.Policy, true)
	}, nil
}

func (a *app) rerun(ctx context.Context, c client.Client, id string, o rerunOptions, sets []runs.Set, replace func(*workflows.RolloutInput)) error {
	rerun, err := runs.PrepareRerun(ctx, c, id, sets)
	if n := len(rerun.Unknown); n > 0 {
		a.note("%s left out: the command may still be running there, or its outcome is not known; to run it there too, name unknown in --only", workflows.Nodes(n))
	}
	if n := len(rerun.Done); n > 0 {
		a.note("%s left out: they succeeded in a later run, see starter history %s", workflows.Nodes(n), id)
	}
	if err != nil {
		return err
	}
	if o.id == "" {
		o.id = rerun.ID
		if err := checkID(o.id); err != nil {
			return err
		}
	}
	replace(&rerun.Input)
	if err := validateRerun(rerun.Input, id); err != nil {
		return err
	}
	a.note("rerun of %s on %s", id, workflows.Nodes(len(rerun.Input.Target.Nodes)))
	return a.run(ctx, c, runOptions{id: o.id, json: o.json}, rerun.Input)
}

// validateRerun adds, where a policy does not fit the fewer nodes, what to do about it.
func validateRerun(in workflows.RolloutInput, past string) error {
	err := in.Validate()
	if len(in.Policy.ProblemsOn(len(in.Target.Nodes))) == 0 {
		return err
	}
	return together([]string{fmt.Sprintf("the policy of run %s does not fit the %s of its rerun: give the flags that are named below anew, or take them away, such as --waves %s",
		past, workflows.Nodes(len(in.Target.Nodes)), none)}, err)
}
