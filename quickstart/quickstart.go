package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"ehpcflow/activities"
	"ehpcflow/internal/console"
	"ehpcflow/internal/encryption"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/runs"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"

	serverlog "go.temporal.io/server/common/log"
)

const sampleCommand = `echo "hello from $(hostname), a simulated node under $(uname -s)"`

// The exit codes, the same as starter's.
const (
	exitSucceeded   = 0
	exitOtherwise   = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitPartial     = 4
	exitInterrupted = 130
)

// usageError is a mistake on the command line.
type usageError struct{ error }

// errNotSucceeded and errPartial end a run without full success; it has been printed.
var (
	errNotSucceeded = errors.New("the run did not succeed")
	errPartial      = fmt.Errorf("%w everywhere", errNotSucceeded)
)

// options are the flags.
type options struct {
	once     bool
	nodes    int
	database string
	verbose  bool
}

func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var o options
	cmd := &cobra.Command{
		Use:   "quickstart [flags] [-- COMMAND]",
		Short: "Start a whole ehpcflow on this machine and run a command on its simulated nodes",
		Example: `  go -C quickstart run .
  go -C quickstart run . --once -- 'echo hi from $(hostname)'`,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			command := sampleCommand
			if len(args) > 0 {
				command = strings.Join(args, " ")
			}
			if len(args) == 0 && cmd.ArgsLenAtDash() == 0 {
				return usageError{errors.New("no command after --: give one, or leave -- out for the sample command")}
			}
			if len(args) > 0 && cmd.ArgsLenAtDash() != 0 {
				return usageError{fmt.Errorf("%q stands before --: the command comes after it, flags before it", args[0])}
			}
			q := quickstart{options: o, stdout: stdout, stderr: stderr}
			return q.run(cmd.Context(), command)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.once, "once", false, "run the command, then stop everything and exit with the verdict's code")
	flags.IntVar(&o.nodes, "nodes", 4, fmt.Sprintf("nodes of the simulated cluster, 1 to %d", workflows.MaxNodes))
	flags.StringVar(&o.database, "db", "", "file that keeps the workflows over restarts (default: memory)")
	flags.BoolVar(&o.verbose, "verbose", false, "show the logs of the worker and the Temporal server")
	flags.SortFlags = false
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{fmt.Errorf("%w; see --help", err)} })
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)

	err := cmd.ExecuteContext(ctx)
	code := exitCode(ctx, err)
	if err != nil && code != exitInterrupted && !errors.Is(err, errNotSucceeded) {
		fmt.Fprintf(stderr, "quickstart: %v\n", err)
	}
	return code
}

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	var input *workflows.InputError
	var database *devserver.DatabaseError
	var keys *encryption.FileError
	switch {
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case err == nil:
		return exitSucceeded
	case errors.Is(err, errPartial):
		return exitPartial
	case errors.Is(err, errNotSucceeded):
		return exitOtherwise
	case errors.As(err, &usage), errors.As(err, &input), errors.As(err, &database), errors.As(err, &keys):
		return exitUsage
	}
	return exitUnreachable
}

type quickstart struct {
	options
	stdout, stderr io.Writer
}

func (q quickstart) run(ctx context.Context, command string) error {
	in := workflows.RunCommandInput{
		ClusterID:      stack.ClusterID,
		Target:         workflows.Target{All: true},
		Command:        command,
		TimeoutSeconds: int(workflows.DefaultTimeout.Seconds()),
	}
	if err := in.Validate(); err != nil {
		return err
	}
	if q.nodes < 1 || q.nodes > workflows.MaxNodes {
		return usageError{fmt.Errorf("%d nodes: choose 1 to %d", q.nodes, workflows.MaxNodes)}
	}
	logger, serverLogger, err := q.loggers()
	if err != nil {
		return err
	}
	codec, err := newCodec(ctx)
	if err != nil {
		return err
	}
	defer q.stop("the codec server", codec.stop)
	temporal, err := devserver.Start(devserver.Options{
		Database:      q.database,
		Port:          devserver.UsualPort,
		UIPort:        devserver.UsualUIPort,
		CodecEndpoint: codec.endpoint(),
		Logger:        serverLogger,
	})
	if err != nil {
		return err
	}
	defer q.stop("Temporal", temporal.Stop)
	codec.serve(temporal.UIURL())
	s, err := stack.Start(ctx, stack.Options{
		Temporal:         temporal.Address(),
		SimulatorAddress: "127.0.0.1:8765",
		Clusters:         stack.DemoClusters(q.nodes),
		Pace:             activities.DefaultPace(),
		TaskQueue:        taskqueue.Default,
		Logger:           logger,
		Keys:             codec.keys,
	})
	if err != nil {
		return err
	}
	defer q.stop("the simulated cluster", s.Stop)
	return q.show(ctx, temporal, s, in)
}

// show runs the command, prints its result and, unless once is enough, stays up.
func (q quickstart) show(ctx context.Context, temporal *devserver.Server, s *stack.Stack, in workflows.RunCommandInput) error {
	q.say("%s", s.Simulator.Warning())
	q.say("Temporal   %s\nWeb UI     %s\nSimulator  %s\nCommand    %s\n", temporal.Address(), temporal.UIURL(), s.API.URL(), in.Command)
	id := runs.NewID()
	if err := runs.Start(ctx, s.Client, runs.Place{Namespace: devserver.Namespace, TaskQueue: taskqueue.Default}, id, workflows.RolloutInput{RunCommandInput: in}); err != nil {
		return err
	}
	progress := console.NewProgress(q.stderr, 0)
	report, err := runs.Follow(ctx, s.Client, id, progress.Show)
	progress.Close()
	if err != nil {
		return err
	}
	if err := console.WriteResult(q.stdout, report); err != nil {
		return err
	}
	if !q.once {
		q.say("%s", next(temporal, id))
		<-ctx.Done()
		q.say("stopping")
		return nil
	}
	switch {
	case report.Succeeded():
		return nil
	case report.Verdict == workflows.Partial:
		return errPartial
	}
	return errNotSucceeded
}

// next tells what to type in another terminal.
func next(temporal *devserver.Server, id string) string {
	env := ""
	if address := temporal.Address(); !strings.HasSuffix(address, fmt.Sprintf(":%d", devserver.UsualPort)) {
		env = "TEMPORAL_ADDRESS=" + address + " "
	}
	return fmt.Sprintf(`
This run in the Web UI:  %s

Everything stays up until Ctrl-C. In another terminal, at the top of the project:

  %sgo run ./starter run --cluster %s --all -- 'sleep 20; uname -a'
  %sgo run ./starter status %s
  %sgo run ./starter pipeline run examples/solve.yaml
`, temporal.RunURL(id), env, stack.ClusterID, env, id, env)
}

// loggers are silent unless asked for: what fails is in the run's own words.
func (q quickstart) loggers() (*zap.Logger, serverlog.Logger, error) {
	if !q.verbose {
		return zap.NewNop(), serverlog.NewNoopLogger(), nil
	}
	logger, err := logging.New(zapcore.InfoLevel)
	if err != nil {
		return nil, nil, fmt.Errorf("start the log: %w", err)
	}
	return logger, serverlog.NewZapLogger(logger.WithOptions(zap.IncreaseLevel(zapcore.WarnLevel))), nil
}

func (q quickstart) stop(what string, stop func() error) {
	if err := stop(); err != nil {
		q.say("while stopping %s: %v", what, err)
	}
}

func (q quickstart) say(format string, args ...any) {
	fmt.Fprintf(q.stderr, format+"\n", args...)
}
