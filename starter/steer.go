package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// steering are the subcommands that tell a rollout something while it goes on.
var steering = []struct {
	update, short, long string
	nodes, settings     bool // what it takes beside the run
}{
	{update: workflows.PauseUpdate, short: "Start nothing more of a rollout until it is resumed",
		long: "Start nothing more of a rollout until it is resumed. What runs goes on."},
	{update: workflows.ResumeUpdate, short: "Let a paused rollout go on", long: "Let a rollout go on that was paused by starter pause."},
	{update: workflows.ApproveUpdate, short: "Approve a step of a pipeline, or the next wave of a rollout",
		long: "Give the approval that a step of a pipeline waits for, whose run is RUN/STEP, or that\nthe next wave of a rollout waits for. Where several people have to approve, each does so\nonce. Of a step that names who may approve, say as whom: --by NAME, or EHPCFLOW_USER."},
	{update: workflows.RejectUpdate, short: "Refuse a step of a pipeline, or the next wave of a rollout",
		long: "Refuse the approval that a step of a pipeline waits for, whose run is RUN/STEP: the step\nhas failed. Or refuse the next wave of a rollout that waits for one: it starts nothing\nmore, waits for what runs, and ends as aborted."},
	{update: workflows.AbandonUpdate, short: "Give a rollout up: start nothing more, and wait for nothing",
		long: "Give a rollout up. It starts nothing more and ends at once as aborted; what runs is\nleft running, and nobody looks at it any more. To stop it, use starter cancel."},
	{update: workflows.SetUpdate, settings: true, short: "Change the limits of a rollout that goes on",
		long: "Change how many nodes of a rollout run at a time, how many may fail, its deadline, or\nhow often it looks. What is not named stays."},
	{update: workflows.SkipUpdate, nodes: true, short: "Leave out nodes of a rollout that wait",
		long: "Leave out nodes of a rollout that were not started yet, or wait to be tried again."},
	{update: workflows.AddUpdate, nodes: true, short: "Add nodes to the last wave of a rollout",
		long: "Put further nodes of the cluster, by instance id, into the last wave of a rollout."},
	{update: workflows.RetryUpdate, nodes: true, short: "Try nodes of a rollout again",
		long: "Try nodes of a rollout again that ended without success, beyond their attempts. On\none that was lost the command may still be running."},
}

// steerCommands tell a run to do something: one for each of the updates.
func (a *app) steerCommands() []*cobra.Command {
	var commands []*cobra.Command
	for _, s := range steering {
		var order workflows.Order
		var set settingOptions
		use, example := s.update+" RUN", "  starter "+s.update+" run-20261124-081605-x7k2qd"
		switch {
		case s.nodes:
			use, example = use+" NODE…", example+" i-bp1aaaa i-bp1bbbb"
		case s.settings:
			use, example = use+" [flags]", example+" --max-failures 10%"
		}
		cmd := &cobra.Command{
			Use: use + " --why TEXT", Short: s.short, Example: example + ` --why "as agreed with the users"`,
			Long: s.long + "\n\nThe run keeps who told it, when and why. What cannot be done is refused with the\nreason, under exit code 2, and changes nothing.",
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := readOrder(&order, s.update, args, s.nodes); err != nil {
					return err
				}
				if s.settings {
					settings, err := set.settings()
					if err != nil {
						return err
					}
					order.Set = settings
				}
				return a.withRun(cmd.Context(), args[0], func(c client.Client, id string) error {
					return a.steer(cmd.Context(), c, id, s.update, order)
				})
			},
		}
		if s.settings {
			set.register(cmd.Flags())
		}
		cmd.Flags().StringVar(&order.Why, "why", "", "reason, kept with the run")
		cmd.Flags().StringVar(&order.By, "by", "", "who says so (default: EHPCFLOW_USER, otherwise the user and this machine)")
		cmd.Flags().SortFlags = false
		commands = append(commands, cmd)
	}
	return commands
}

// readOrder checks what stands on the command line beside the settings.
func readOrder(order *workflows.Order, update string, args []string, nodes bool) error {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	switch {
	case nodes && len(args) < 2:
		problem("%s takes the name of a run and the ids of nodes", update)
	case nodes:
		order.Nodes = args[1:]
	case len(args) != 1:
		problem("%s takes the name of one run", update)
	}
	if strings.TrimSpace(order.Why) == "" {
		problem("no reason is given: say why (--why), it is kept with the run")
	}
	if len(problems) > 0 {
		return usageError{errors.New(strings.Join(problems, "; "))}
	}
	return nil
}

func (a *app) steer(ctx context.Context, c client.Client, id, update string, order workflows.Order) error {
	taken, err := runs.Steer(ctx, c, id, update, order)
	if err != nil {
		return err
	}
	if update == workflows.ApproveUpdate || update == workflows.RejectUpdate {
		if kind, err := runs.KindOf(ctx, c, id); err == nil && kind == runs.OfApproval {
			if report, err := runs.ReadApproval(ctx, c, id); err == nil && report.Phase != "" {
				a.note("run %s has taken %s from %s; %s", id, update, taken.Order.By, runs.Decided(report.ApprovalStatus))
				return nil
			}
		}
	}
	a.note("run %s has taken %s from %s; it is %s now", id, update, taken.Order.By, taken.Phase)
	return nil
}

// settingOptions are the flags of set.
type settingOptions struct {
	flags       *pflag.FlagSet
	concurrency string
	whole       string
	perWave     string
	deadline    string
	look        string
}

func (o *settingOptions) register(flags *pflag.FlagSet) {
	o.flags = flags
	flags.StringVar(&o.concurrency, "concurrency", "", "run on so many nodes at a time, such as 20 or 20%; none is no limit")
	flags.StringVar(&o.whole, "max-failures", "", "so many nodes may fail, such as 0, 3 or 5%")
	flags.StringVar(&o.perWave, "max-failures-per-wave", "", "so many nodes of a wave may fail")
	flags.StringVar(&o.deadline, "deadline", "", "end the run after this time from its start; none is never")
	flags.StringVar(&o.look, "look-every", "", "look at what runs at least so often; none leaves it to the worker")
}

// settings reads the flags that were given, with everything that is wrong in one message.
func (o *settingOptions) settings() (*workflows.Settings, error) {
	set := new(workflows.Settings)
	var problems []string
	given := 0
	read := func(name string, into func(text string) error) {
		flag := o.flags.Lookup(name)
		if !flag.Changed {
			return
		}
		given++
		if err := into(flag.Value.String()); err != nil {
			problems = append(problems, fmt.Sprintf("--%s: %v", name, err))
		}
	}
	read("concurrency", func(text string) error { return readUnlessNone(&set.Concurrency, text, policy.ParseNodes) })
	read("max-failures", func(text string) error { return readSize(&set.MaxFailures, text) })
	read("max-failures-per-wave", func(text string) error { return readSize(&set.MaxFailuresPerWave, text) })
	read("deadline", func(text string) error { return readUnlessNone(&set.DeadlineSeconds, text, policy.ParseSeconds) })
	read("look-every", func(text string) error { return readUnlessNone(&set.LookSeconds, text, policy.ParseSeconds) })
	if given == 0 {
		problems = append(problems, "nothing is to be changed: name --concurrency, --max-failures, --max-failures-per-wave, --deadline or --look-every")
	}
	if len(problems) > 0 {
		return nil, usageError{errors.New(strings.Join(problems, "; "))}
	}
	return set, nil
}

// readUnlessNone reads a text, of which the word none is the zero value.
func readUnlessNone[T policy.Size | int](into **T, text string, read func(string) (T, error)) error {
	var value T
	if text != none {
		var err error
		if value, err = read(text); err != nil {
			return err
		}
	}
	*into = &value
	return nil
}

func readSize(into **policy.Size, text string) error {
	size, err := policy.ParseSize(text)
	if err == nil {
		*into = &size
	}
	return err
}
