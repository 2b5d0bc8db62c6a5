package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"ehpcflow/activities"
	"ehpcflow/activities/outputs"
	"ehpcflow/ehpc"
	"ehpcflow/internal/connect"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/taskqueue"
)

// The exit codes.
const (
	exitStopped     = 0 // asked to stop, and stopped in order
	exitFailed      = 1 // could not go on
	exitUsage       = 2 // wrong flags or settings
	exitUnreachable = 3 // Temporal could not be reached
)

// gcPercent is how much garbage may pile up, in percent of what is in use. A worker
// mostly waits: it has time to clean up, and its memory is shared with others.
const gcPercent = 40

// options are the worker's settings.
type options struct {
	region    string
	endpoint  string
	taskQueue string
	logLevel  string
	apiRate   float64
	metrics   string
	outputs   string
	settings  taskqueue.Settings
}

// settingError is a setting that cannot be used.
type settingError struct{ error }

func execute(ctx context.Context, args []string, stderr io.Writer) int {
	var o options
	cmd := &cobra.Command{
		Use:   "worker",
		Short: "Carry out the runs of a task queue",
		Long: `Carry out the runs of a task queue.

The Temporal server is found by TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and their
like, or by Temporal's profile file; without any, at 127.0.0.1:7233.

The cloud credential is found by the vendor's own chain: the variables
ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, an OIDC role, the
CLI's profile, the credentials file, or the ECS role of this machine.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return settingError{fmt.Errorf("worker takes no arguments, only flags; see worker --help")}
			}
			return nil
		},
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return o.serve(cmd.Context()) },
	}
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return settingError{fmt.Errorf("%w; see worker --help", err)}
	})
	flags := cmd.Flags()
	flags.StringVar(&o.region, "region", os.Getenv("EHPCFLOW_REGION"), "cloud region of the clusters, such as cn-hangzhou; also EHPCFLOW_REGION")
	flags.StringVar(&o.endpoint, "endpoint", os.Getenv("EHPCFLOW_ENDPOINT"), "address of the E-HPC API (default: the region's public one, over HTTPS); also EHPCFLOW_ENDPOINT")
	flags.StringVar(&o.taskQueue, "task-queue", cmp.Or(os.Getenv("EHPCFLOW_TASK_QUEUE"), taskqueue.Default), "task queue to serve; also EHPCFLOW_TASK_QUEUE")
	flags.Float64Var(&o.apiRate, "api-rate", ehpc.DefaultCeiling, "most requests a second to the E-HPC API; fewer for a while whenever it throttles")
	flags.IntVar(&o.settings.Watches, "watches", taskqueue.DefaultSettings.Watches, "most runs watched at a time, at some kB of memory each; more wait for a place, here or on another worker")
	flags.IntVar(&o.settings.Calls, "calls", taskqueue.DefaultSettings.Calls, "most activities at a time that call the API, watches apart")
	flags.StringVar(&o.outputs, "output-store", os.Getenv("EHPCFLOW_OUTPUT_STORE"), "directory to store the complete output of nodes in, readable by whoever reads it (default: none, only an excerpt is kept); also EHPCFLOW_OUTPUT_STORE")
	flags.StringVar(&o.metrics, "metrics-address", "", "address to serve Prometheus metrics on, such as 127.0.0.1:9090 (default: none)")
	flags.StringVar(&o.logLevel, "log-level", cmp.Or(os.Getenv("EHPCFLOW_LOG_LEVEL"), "info"), "debug, info, warn or error; also EHPCFLOW_LOG_LEVEL")
	flags.SortFlags = false
	cmd.SetArgs(args)
	cmd.SetOut(stderr)
	cmd.SetErr(stderr)

	err := cmd.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "worker: %v\n", err)
	}
	return exitCode(err)
}

func exitCode(err error) int {
	var setting settingError
	var config *connect.ConfigError
	var unreachable *connect.UnreachableError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitStopped
	case errors.As(err, &setting), errors.As(err, &config):
		return exitUsage
	case errors.As(err, &unreachable):
		return exitUnreachable
	}
	return exitFailed
}

// serve checks every setting, then serves the task queue until the context ends.
func (o options) serve(ctx context.Context) error {
	level, err := zapcore.ParseLevel(o.logLevel)
	if err != nil {
		return settingError{fmt.Errorf("log level %q: use debug, info, warn or error", o.logLevel)}
	}
	if o.apiRate <= 0 {
		return settingError{fmt.Errorf("--api-rate is %v: use a positive number of requests a second", o.apiRate)}
	}
	if o.settings.Watches <= 0 || o.settings.Calls <= 0 {
		return settingError{fmt.Errorf("--watches is %d and --calls %d: use numbers above 0", o.settings.Watches, o.settings.Calls)}
	}
	budget := ehpc.NewBudget(o.apiRate)
	api, err := ehpc.New(ehpc.Config{Region: o.region, Endpoint: o.endpoint, Budget: budget})
	if err != nil {
		return settingError{err}
	}
	store, err := outputs.Open(o.outputs)
	if err != nil {
		return settingError{fmt.Errorf("--output-store: %w", err)}
	}
	logger, err := logging.New(level)
	if err != nil {
		return fmt.Errorf("start the log: %w", err)
	}
	if o.metrics != "" {
		stop, err := serveMetrics(ctx, o.metrics, budget)
		if err != nil {
			return err
		}
		defer stop()
	}
	c, temporal, err := connect.Temporal(ctx, logging.ForTemporal(logger))
	if err != nil {
		return err
	}
	defer c.Close()

	worker.SetStickyWorkflowCacheSize(taskqueue.WorkflowCache)
	debug.SetGCPercent(gcPercent)
	w := taskqueue.NewWorker(c, o.taskQueue, activities.Activities{EHPC: api, Pace: activities.DefaultPace(), Outputs: store}, o.settings)
	if err := w.Start(); err != nil {
		return connect.Explain(err, temporal)
	}
	logger.Info("serving",
		zap.String("taskQueue", o.taskQueue), zap.String("temporal", temporal.HostPort),
		zap.String("namespace", temporal.Namespace), zap.String("endpoint", api.Endpoint()))
	<-ctx.Done()
	logger.Info("stopping: no new work is taken, submits under way are finished")
	w.Stop()
	return nil
}
