package main

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"ehpcflow/activities"
	"ehpcflow/activities/outputs"
	"ehpcflow/activities/secrets"
	"ehpcflow/ehpc"
	"ehpcflow/internal/connect"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/internal/telemetry"
)

// gcPercent is how much garbage may pile up, in percent of what is in use. A worker
// mostly waits: it has time to clean up, and its memory is shared with others.
const gcPercent = 40

// service is a worker with what it works with.
type service struct {
	options
	api     *ehpc.Client
	budget  *ehpc.Budget
	store   *outputs.Counted
	held    secrets.Dir
	logger  *zap.Logger
	metrics *telemetry.Metrics
	traces  *telemetry.Traces
	ready   readiness
}

// open makes everything that the settings ask for, or says what of it cannot be.
func (o options) open(ctx context.Context, all settings) (*service, error) {
	s := &service{options: o, budget: ehpc.NewBudget(o.apiRate)}
	var problems []string
	var err error
	if s.api, err = ehpc.New(ehpc.Config{Region: o.region, Endpoint: o.endpoint, Budget: s.budget}); err != nil {
		problems = append(problems, err.Error())
	}
	store, err := outputs.Open(o.outputs)
	if err != nil {
		problems = append(problems, fmt.Sprintf("%s: %v", all.where("output-store"), err))
	}
	s.store = outputs.Count(store)
	if s.held, err = secrets.Open(o.secrets); err != nil {
		problems = append(problems, fmt.Sprintf("%s: %v", all.where("secrets-dir"), err))
	}
	if s.traces, err = telemetry.NewTraces(ctx, o.otlp); err != nil {
		problems = append(problems, fmt.Sprintf("%s: %v", all.where("otlp-endpoint"), err))
	}
	if len(problems) == 0 && o.metricsAddress != "" {
		if s.metrics, err = telemetry.Listen(ctx, o.metricsAddress, s.ready.check); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", all.where("metrics-address"), err))
		}
	}
	if len(problems) > 0 {
		return nil, settingError(problems)
	}
	level, err := zapcore.ParseLevel(o.logLevel)
	if err != nil {
		return nil, err // choice lets none through
	}
	if s.logger, err = logging.NewIn(o.logFormat, level); err != nil {
		return nil, fmt.Errorf("start the log: %w", err)
	}
	return s, nil
}

// serve serves the task queue until the context ends.
func (s *service) serve(ctx context.Context) error {
	defer s.traces.Close()
	defer s.metrics.Close()
	c, temporal, err := connect.TemporalWith(ctx, logging.ForTemporal(s.logger), func(options *client.Options) {
		options.MetricsHandler = s.metrics.ForTemporal()
		options.Interceptors = s.traces.Interceptors()
	})
	if err != nil {
		return err
	}
	defer c.Close()

	worker.SetStickyWorkflowCacheSize(taskqueue.WorkflowCache)
	debug.SetGCPercent(gcPercent)
	fatal := make(chan error, 1)
	s.work.OnFatalError = func(err error) {
		select {
		case fatal <- err:
		default: // the first one tells why
		}
	}
	acts := activities.Activities{EHPC: s.api, Pace: activities.DefaultPace(), Outputs: s.store.Store(), Secrets: s.held}
	w := taskqueue.NewWorker(c, s.taskQueue, acts, s.work)
	s.metrics.Register(s.api, s.budget, s.store, w)
	if err := w.Start(); err != nil {
		return connect.Explain(err, temporal)
	}
	s.ready.serving(c)
	s.logger.Info("serving",
		zap.String("taskQueue", s.taskQueue), zap.String("temporal", temporal.HostPort),
		zap.String("namespace", temporal.Namespace), zap.String("endpoint", s.api.Endpoint()))
	if s.work.Deployment != "" {
		s.logger.Info("runs come here once this version is current: temporal worker deployment set-current-version --deployment-name "+
			s.work.Deployment+" --build-id "+s.work.BuildID, zap.String("deployment", s.work.Deployment), zap.String("buildId", s.work.BuildID))
	}
	select {
	case <-ctx.Done():
	case err = <-fatal:
		err = fmt.Errorf("the worker can no longer serve task queue %s: %w", s.taskQueue, connect.Explain(err, temporal))
	}
	s.ready.stopping()
	s.logger.Info("stopping: no new work is taken, submits under way are finished; a second signal ends at once",
		zap.Duration("patience", s.work.StopPatience))
	w.Stop()
	return err
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
