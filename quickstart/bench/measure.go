package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"ehpcflow/ehpcsim"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/workflows"
)

const (
	clusterID = "ehpc-sim-bench"
	nodes     = 4

	// overtime is how much longer than planned all runs together may take.
	overtime = 20 * time.Minute
)

// load is what a pattern is measured with.
type load struct {
	runs     int           // at once
	duration time.Duration // of a command at most; at least a quarter of it, on each node
	ramp     time.Duration // over which the runs are started, evenly
}

// scene is one pattern's own simulator, server and worker.
type scene struct {
	simulator *ehpcsim.Simulator
	api       *ehpcsim.Server
	server    *child
	worker    *child
	client    client.Client
}

// measure measures one pattern under one load.
func measure(ctx context.Context, p pattern, l load) (m Measurement, err error) {
	s := &scene{}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.open(p, l); err != nil {
		return Measurement{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, l.ramp+l.duration+overtime)
	defer cancel()

	serverBefore, err := s.server.usage()
	if err != nil {
		return Measurement{}, err
	}
	workerBefore, err := s.worker.usage()
	if err != nil {
		return Measurement{}, err
	}
	started := time.Now()
	if err := s.startRuns(ctx, p, l); err != nil {
		return Measurement{}, err
	}
	if err := s.awaitRuns(ctx, l); err != nil {
		return Measurement{}, err
	}
	serverAfter, err := s.server.usage()
	if err != nil {
		return Measurement{}, err
	}
	workerAfter, err := s.worker.usage()
	if err != nil {
		return Measurement{}, err
	}
	calls := 0
	for _, n := range s.simulator.Stats().Requests {
		calls += n
	}
	runs, err := s.readRuns(ctx, l)
	if err != nil {
		return Measurement{}, err
	}
	m = summed(runs, started)
	m.Pattern = p.name
	m.APICalls = float64(calls) / float64(l.runs)
	m.ServerCPU = serverAfter.cpuSeconds - serverBefore.cpuSeconds
	m.WorkerCPU = workerAfter.cpuSeconds - workerBefore.cpuSeconds
	m.WorkerIdleMB = float64(workerBefore.peakBytes) / 1e6
	m.WorkerPeakMB = float64(workerAfter.peakBytes) / 1e6
	return m, nil
}

func (s *scene) open(p pattern, l load) error {
	key := ehpcsim.NewAccessKey()
	var err error
	if s.simulator, err = ehpcsim.New(ehpcsim.Config{
		Clusters:   []ehpcsim.Cluster{ehpcsim.DemoCluster(clusterID, nodes)},
		AccessKeys: []ehpcsim.AccessKey{key},
		Script:     &ehpcsim.Script{Duration: [2]time.Duration{l.duration / 4, l.duration}},
	}); err != nil {
		return err
	}
	if s.api, err = s.simulator.Listen("127.0.0.1:0"); err != nil {
		return err
	}
	if s.server, err = startChild(serverRole, nil); err != nil {
		return err
	}
	if s.client, err = dial(s.server.answer); err != nil {
		return err
	}
	s.worker, err = startChild(workerRole, workerSetting{
		Pattern: p.name, Runs: l.runs, Temporal: s.server.answer, Endpoint: s.api.URL(), Key: key,
	})
	return err
}

func (s *scene) close() error {
	var errs []error
	if s.worker != nil {
		errs = append(errs, s.worker.stop())
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.server != nil {
		errs = append(errs, s.server.stop())
	}
	if s.api != nil {
		errs = append(errs, s.api.Close())
	}
	if s.simulator != nil {
		errs = append(errs, s.simulator.Close())
	}
	return errors.Join(errs...)
}

func runID(i int) string { return fmt.Sprintf("run-%05d", i) }

// startRuns starts the same runs for every pattern, in step with the ramp.
func (s *scene) startRuns(ctx context.Context, p pattern, l load) error {
	in := workflows.RunCommandInput{ClusterID: clusterID, TimeoutSeconds: int((2*l.duration + workflows.MinTimeout).Seconds())}
	for _, node := range ehpcsim.DemoCluster(clusterID, nodes).Nodes {
		in.Target.Nodes = append(in.Target.Nodes, node.InstanceID)
	}
	begin := time.Now()
	for i := range l.runs {
		time.Sleep(time.Until(begin.Add(l.ramp * time.Duration(i) / time.Duration(l.runs))))
		in.Command = "work " + runID(i)
		o := client.StartWorkflowOptions{ID: runID(i), TaskQueue: taskQueue}
		if _, err := s.client.ExecuteWorkflow(ctx, o, p.workflow, in); err != nil {
			return fmt.Errorf("start run %d: %w", i, err)
		}
	}
	return nil
}

// awaitRuns asks for one number a second, and only when the last command could have
// ended, so that waiting for the runs does not weigh on the server.
func (s *scene) awaitRuns(ctx context.Context, l load) error {
	wait := l.duration
	for {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("not every run has ended: %w", ctx.Err())
		}
		running, err := s.client.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
			Namespace: devserver.Namespace, Query: `ExecutionStatus = "Running"`,
		})
		if err == nil && running.GetCount() == 0 {
			return nil
		}
		wait = time.Second
	}
}
