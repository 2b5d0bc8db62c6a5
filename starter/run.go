package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/console"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

// runOptions are the flags of run, and of plan but for its id.
type runOptions struct {
	clusterOptions
	targetOptions
	policyOptions
	from       []string
	timeout    time.Duration
	expect     time.Duration
	deadline   time.Duration
	perCommand int
	raw        bool
	grace      time.Duration
	stopWithin time.Duration
	workingDir string
	id         string
	failRun    bool
	json       bool
}

func (a *app) runCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run --cluster ID… (--all | --node ID… | --role ROLE… | --from SET:RUN…) [flags] -- COMMAND",
		Short: "Run a command on nodes and wait for every one of them",
		Long: `Run a command, as root, on nodes of a cluster, and wait for every one of them.

The words after -- are joined by spaces, as ssh does; quote the command to keep
it in one piece. Progress goes to stderr, the result to stdout. Ctrl-C leaves
the run alone: starter status tells how it stands.

--role, --queue, --host and --status choose among the nodes of the cluster, together:
a node has to fit one word of each. --exclude takes nodes away again. starter plan
shows what they come to.

--from takes the nodes of past runs by what became of them, of the same cluster,
which need not be named then. The sets are succeeded, failed (nonzero, failed,
timed_out and stopped), nonzero, timed_out, stopped, lost, skipped, and unknown: not
seen to end, so that the command may still be running, or of unknown outcome.

The flags from --waves on make the run a rollout: it starts nodes little by little,
ends early when too many fail or enough succeed, and can be steered while it goes on,
see starter pause --help and its like.

With several clusters each has a run of its own, RUN/CLUSTER, and there is one verdict
over all; of several, nodes are chosen by --all, --role, --queue, --host and
--status.`,
		Example: `  starter run --cluster ehpc-hz-FYUr32 --all -- 'uptime'
  starter run --cluster ehpc-hz-FYUr32 --node i-bp1aaaa --node i-bp1bbbb --timeout 2h -- /mnt/nas/solve.sh
  starter run --cluster ehpc-hz-FYUr32 --all --waves 1,10%,100% --pause first --max-failures 5% -- /mnt/nas/patch.sh
  starter run --cluster ehpc-hz-FYUr32 --cluster ehpc-hz-K8dw21 --clusters-at-once 1 --on-cluster-failure hold --all -- 'uptime'
  starter run --from failed:run-20261124-081605-x7k2qd --from lost:run-20261124-081605-x7k2qd -- 'dmesg | tail'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("id") {
				if err := checkNewID(o.id); err != nil {
					return err
				}
			}
			return a.withInput(cmd, args, o, "nothing was started", a.run)
		},
	}
	o.register(cmd)
	flags := cmd.Flags()
	flags.StringVar(&o.id, "id", "", "name of the run; a name runs once, whoever asks (default: a new one)")
	flags.BoolVar(&o.failRun, "fail-run", false, "let the run fail for Temporal too unless it succeeds: red in the Web UI, and seen by what waits for the workflow")
	flags.BoolVar(&o.json, "json", false, "write the result as JSON")
	flags.SortFlags = false
	return cmd
}

// withInput reads the command line, and past runs where nodes of theirs are asked for,
// and does something with the input. Unless says what an interrupt has not done.
func (a *app) withInput(cmd *cobra.Command, args []string, o runOptions, unless string,
	do func(context.Context, client.Client, runOptions, workflows.RolloutInput) error,
) error {
	in, err := o.input(args, cmd.ArgsLenAtDash())
	if err != nil {
		return err
	}
	err = a.withTemporal(cmd.Context(), func(c client.Client) error {
		if o.several() {
			return do(cmd.Context(), c, o, in)
		}
		in, err := o.fromPast(cmd.Context(), c, in)
		if err != nil {
			return err
		}
		return do(cmd.Context(), c, o, in)
	})
	if errors.Is(err, context.Canceled) {
		a.note("interrupted; %s", unless)
		return errInterrupted
	}
	return err
}

// register adds the flags that say what to run, and where.
func (o *runOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	o.clusterOptions.register(cmd)
	o.targetOptions.register(cmd)
	flags.StringArrayVar(&o.from, "from", nil, "run on the nodes of a past run's set, SET:RUN; may be repeated; with other choices on those that fit them too")
	flags.DurationVar(&o.timeout, "timeout", workflows.DefaultTimeout, "kill the command on a node after this time, 60s to 720h")
	flags.DurationVar(&o.expect, "expect", 0, "how long the command should take: looks at it are close around then (default: not known)")
	flags.DurationVar(&o.deadline, "deadline", 0, "end the run after this time, 60s or more, with what is known; the command itself is not stopped (default: none)")
	flags.IntVar(&o.perCommand, "nodes-per-command", workflows.MaxPerCommand, "submit a long list of nodes in parts of this many")
	flags.DurationVar(&o.grace, "grace", workflows.DefaultGrace, "when the run is cancelled, time from TERM to KILL")
	flags.DurationVar(&o.stopWithin, "stop-within", workflows.DefaultStopWithin, "when the run is cancelled, end it after this time although a node could not be confirmed to be stopped")
	flags.BoolVar(&o.raw, "raw", false, "send the text untouched: a doubt about a submit is then for you to resolve, a node may run it twice, and cancelling cannot stop it")
	flags.StringVar(&o.workingDir, "workdir", "", "directory to run in on the node (default /root)")
	o.policyOptions.register(flags, nil)
}

// maxID is what Temporal takes of a name, in bytes, unless its server is told
// otherwise.
const maxID = 1000

// ofShells are characters that a shell does not take as they are.
const ofShells = " '\"`\\$&|;<>()[]{}*?!#~"

// checkNewID refuses too what would be taken for the name of a step's run, or a cluster's.
func checkNewID(id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	if strings.Contains(id, "/") {
		return usageError{fmt.Errorf("--id is %q, which is the name of a step or of a cluster in run %s: give a name without /, such as %s",
			id, id[:strings.LastIndex(id, "/")], strings.ReplaceAll(id, "/", "-"))}
	}
	return nil
}

// checkID refuses a name that Temporal does not take, or that could not be typed as it is
// printed.
func checkID(id string) error {
	unfit := strings.IndexFunc(id, func(r rune) bool { return !unicode.IsPrint(r) || strings.ContainsRune(ofShells, r) })
	switch {
	case strings.TrimSpace(id) == "":
		return usageError{errors.New("--id is empty: a new name each time would start the command each time; give a name, or leave --id out")}
	case len(id) > maxID:
		return usageError{fmt.Errorf("--id has %d bytes, Temporal takes %d: give a shorter name", len(id), maxID)}
	case !utf8.ValidString(id):
		return usageError{errors.New("--id is not valid UTF-8 text: give another name")}
	case unfit >= 0:
		character, _ := utf8.DecodeRuneInString(id[unfit:])
		return usageError{fmt.Errorf("--id is %q: with %q in it no command that names the run could be pasted; put a - in its place", id, character)}
	case strings.HasPrefix(id, "-"):
		return usageError{fmt.Errorf("--id is %q, which commands would take for a flag: begin it with a letter or a digit", id)}
	}
	return nil
}

// input turns flags and words into the input of the workflow, with everything
// that is wrong in one message.
func (o runOptions) input(args []string, dash int) (workflows.RolloutInput, error) {
	var problems []string
	problem := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	in := workflows.RolloutInput{RunCommandInput: workflows.RunCommandInput{
		ClusterID:       o.one(),
		Target:          o.target(),
		Command:         strings.Join(args, " "),
		WorkingDir:      o.workingDir,
		TimeoutSeconds:  int(o.timeout / time.Second),
		ExpectedSeconds: int(o.expect / time.Second),
		DeadlineSeconds: int(o.deadline / time.Second),
		NodesPerCommand: o.perCommand,

		Raw:               o.raw,
		GraceSeconds:      int(o.grace / time.Second),
		StopWithinSeconds: int(o.stopWithin / time.Second),
		FailUnless:        o.failUnless(),
	}}
	switch {
	case len(args) == 0:
		problem("no command: give it after --, such as starter run --cluster ID --all -- 'uptime'")
		in.Command = unreadCommand
	case dash != 0:
		problem("%q stands before --: the command comes after it, flags before it", args[0])
		in.Command = unreadCommand
	}
	if o.perCommand == 0 {
		problem("--nodes-per-command is 0: use 1 or more")
	}
	if o.grace == 0 || o.stopWithin == 0 {
		problem("--grace and --stop-within cannot be 0: use 1s or more")
	}
	for _, length := range []struct {
		flag string
		time.Duration
	}{{"timeout", o.timeout}, {"expect", o.expect}, {"deadline", o.deadline}, {"grace", o.grace}, {"stop-within", o.stopWithin}} {
		if length.Duration%time.Second != 0 {
			problem("--%s is %v: use whole seconds", length.flag, length.Duration)
		}
	}
	policy, wrong := o.policy(in.Policy, false)
	in.Policy = policy
	problems = append(append(problems, wrong...), o.clusterProblems(o.id)...)
	if o.several() {
		return in, together(problems, o.onClusters(in).Validate())
	}
	return in, together(problems, o.validate(in))
}

// unreadCommand stands for a command that could not be told from the rest, which has
// been said already.
const unreadCommand = "unread"

// together adds to problems what else is wrong with an input.
func together(problems []string, err error) error {
	var more *workflows.InputError
	if errors.As(err, &more) {
		problems = append(problems, more.Problems...)
	}
	if len(problems) == 0 {
		return nil
	}
	return &workflows.InputError{Problems: problems}
}

func (a *app) run(ctx context.Context, c client.Client, o runOptions, in workflows.RolloutInput) error {
	id := o.id
	if id == "" {
		id = runs.NewID()
	}
	if o.several() {
		return a.runOnClusters(ctx, c, id, o, o.onClusters(in))
	}
	if err := runs.Start(ctx, c, runs.Place{Namespace: a.namespace, TaskQueue: a.taskQueue}, id, in); err != nil {
		var unreachable *connect.UnreachableError
		if ctx.Err() != nil && errors.As(err, &unreachable) {
			a.note("interrupted; %v", err)
			return errInterrupted
		}
		return err
	}
	a.note("run %s on cluster %s", id, in.ClusterID)

	report, err := a.follow(ctx, c, id)
	if err != nil {
		return err
	}
	return a.print(report, o.json)
}

// follow shows how a run comes along until it has ended.
func (a *app) follow(ctx context.Context, c client.Client, id string) (runs.Report, error) {
	began, _ := runs.ReadBeginning(ctx, c, id) // without it, nothing is expected
	progress := console.NewProgress(a.stderr, began.Expected())
	report, err := runs.Follow(ctx, c, id, progress.Show)
	progress.Close()
	switch {
	case ctx.Err() != nil:
		a.note("interrupted; the run goes on. See how it stands: starter status %s; %s: starter cancel %s", id, cancelling(began), id)
		return report, errInterrupted
	case err != nil:
		a.note("the run goes on. See how it stands: starter status %s", id)
	}
	return report, err
}

// cancelling is what cancelling a run does.
func cancelling(began runs.Beginning) string {
	if began.Input.Attach != nil {
		return "end the watching, not the command"
	}
	return "stop its command"
}

// print writes a report to stdout and turns its outcome into the command's.
func (a *app) print(report runs.Report, asJSON bool) error {
	write := console.WriteResult
	if asJSON {
		write = console.WriteJSON
	}
	if err := write(a.stdout, report); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	code := endCode(report.State, report.Verdict)
	if report.Refused() {
		code = exitUsage
	}
	if code != exitSucceeded {
		return &verdictError{code}
	}
	return nil
}

// note tells the person something beside the result.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, format+"\n", args...)
}
