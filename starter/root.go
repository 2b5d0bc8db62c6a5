package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"ehpcflow/internal/connect"
	"ehpcflow/internal/encryption"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/workflows"

	"go.uber.org/zap"
)

// The exit codes, a contract with scripts.
const (
	exitSucceeded   = 0   // the run succeeded, or what was asked for was shown or done
	exitOtherwise   = 1   // no node succeeded, the run could not be followed, or else
	exitUsage       = 2   // wrong usage, or refused; nothing was started
	exitUnreachable = 3   // Temporal or the worker could not be reached, or Temporal refused
	exitPartial     = 4   // some nodes succeeded
	exitAborted     = 5   // a rollout ended early
	exitCanceled    = 6   // the run was cancelled
	exitParked      = 7   // a rollout waited in vain for a person
	exitInterrupted = 130 // interrupted; a run that was started goes on
)

// verdictCodes are the exit codes of runs that ended, by their verdicts. A run without
// one could not be followed to its end.
var verdictCodes = map[workflows.Verdict]int{
	workflows.Succeeded:  exitSucceeded,
	workflows.Failed:     exitOtherwise,
	workflows.Gone:       exitOtherwise,
	workflows.Partial:    exitPartial,
	workflows.Aborted:    exitAborted,
	workflows.Canceled:   exitCanceled,
	workflows.Unattended: exitParked,
}

// endCode is the exit code for a run, which is no failure while it goes on.
func endCode(state runs.State, verdict workflows.Verdict) int {
	code, judged := verdictCodes[verdict]
	switch {
	case state == runs.Running:
		return exitSucceeded
	case state == runs.Canceled:
		return exitCanceled
	case state != runs.Completed || !judged:
		return exitOtherwise
	}
	return code
}

// verdictError ends a command whose run ended without full success, or did not end in
// order. The result has been printed.
type verdictError struct{ code int }

func (e *verdictError) Error() string { return errNotSucceeded.Error() }

func (e *verdictError) Is(target error) bool { return target == errNotSucceeded }

// errInterrupted ends a command whose person pressed Ctrl-C.
var errInterrupted = errors.New("interrupted")

// errNotSucceeded ends a command that has printed what is not as it was to be.
var errNotSucceeded = errors.New("the run did not succeed")

// usageError is a mistake on the command line.
type usageError struct{ error }

// app is what the subcommands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	taskQueue      string
	namespace      string // that withTemporal connected to
}

// execute runs the command line and returns its exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr}
	root := a.command()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := exitCode(err)
	if err != nil && code != exitInterrupted && !errors.Is(err, errNotSucceeded) {
		fmt.Fprintf(stderr, "starter: %v\n", err)
	}
	return code
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "Run commands on the nodes of an E-HPC cluster as durable workflows",
		Long: `Run commands on the nodes of an Alibaba Cloud E-HPC cluster as durable workflows.

The Temporal server is found by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and their
like, or by Temporal's profile file; without any, at 127.0.0.1:7233. What goes there is
encrypted when EHPCFLOW_ENCRYPTION_KEYS names a key file, as starter keygen makes it.

Exit codes, of the commands that follow a run or show it by its verdict:
    0  succeeded; or what was asked for was shown or done
    1  failed, gone, or not followed to its end
    2  wrong usage, or refused: by the cluster's nodes, or by the run; nothing was started
    3  Temporal or the worker could not be reached, or Temporal refused
    4  partial: some nodes succeeded
    5  aborted: a rollout ended early
    6  cancelled
    7  parked: a rollout waited in vain for a person
  130  interrupted; a run that was started goes on`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q; see starter --help", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.PersistentFlags().StringVar(&a.taskQueue, "task-queue", cmp.Or(os.Getenv("EHPCFLOW_TASK_QUEUE"), taskqueue.Default),
		"task queue that the worker serves; also EHPCFLOW_TASK_QUEUE")
	root.AddCommand(
		a.runCommand(),
		a.attachCommand(),
		a.planCommand(),
		a.watchCommand(),
		a.statusCommand(),
		a.resultsCommand(),
		a.reportCommand(),
		a.rerunCommand(),
		a.historyCommand(),
		a.cancelCommand(),
		a.answerCommand(),
		a.errorsCommand(),
		a.setupCommand(),
		a.listCommand(),
		a.scheduleCommand(),
		a.pipelineCommand(),
		a.keygenCommand(),
		a.versionCommand(),
		a.doctorCommand(),
	)
	root.AddCommand(a.steerCommands()...)
	root.AddCommand(a.accountCommands()...)
	completeRuns(root)
	return root
}

// exitCode is the one place where an error becomes an exit code.
func exitCode(err error) int {
	var usage usageError
	var input *workflows.InputError
	var exists *runs.ExistsError
	var notFound *runs.NotFoundError
	var refused *runs.RefusedError
	var config *connect.ConfigError
	var keys *encryption.FileError
	var unreachable *connect.UnreachableError
	var verdict *verdictError
	switch {
	case err == nil:
		return exitSucceeded
	case errors.As(err, &verdict):
		return verdict.code
	case errors.Is(err, errInterrupted), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &input), errors.As(err, &exists), errors.As(err, &notFound), errors.As(err, &refused), errors.As(err, &config), errors.As(err, &keys):
		return exitUsage
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitOtherwise
}

// withRun connects for the time of a call that is about a run. Of a step that was tried
// again the last attempt is taken, and one that has no run is told of by its pipeline.
func (a *app) withRun(ctx context.Context, id string, use func(c client.Client, id string) error) error {
	return a.withTemporal(ctx, func(c client.Client) error {
		last, err := runs.LastAttempt(ctx, c, id)
		if err != nil {
			return err
		}
		if strings.HasPrefix(last, id+".") {
			a.note("run %s is the last attempt at this step; the first is %s.1", last, id)
		}
		err = use(c, last)
		var notFound *runs.NotFoundError
		if errors.As(err, &notFound) {
			return runs.WhyNoStep(ctx, c, last, err)
		}
		return err
	})
}

// withTemporal connects for the time of the call.
func (a *app) withTemporal(ctx context.Context, use func(client.Client) error) error {
	c, options, err := connect.Temporal(ctx, logging.ForTemporal(zap.NewNop()))
	if err != nil {
		return err
	}
	defer c.Close()
	a.namespace = options.Namespace
	return connect.Explain(use(c), options)
}
