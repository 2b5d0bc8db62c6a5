// Package stack is an ehpcflow in one process beside a Temporal server: a simulated
// cluster, and a worker between the two.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"ehpcflow/activities"
	"ehpcflow/activities/outputs"
	"ehpcflow/activities/secrets"
	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/encryption"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/setup"
	"ehpcflow/internal/taskqueue"
	"ehpcflow/quickstart/devserver"
)

// simulatorRate is what a worker asks of a simulator on this machine at most, a
// second, unless told otherwise.
const simulatorRate = 1000

// The ids of the simulated clusters.
const (
	ClusterID       = "ehpc-sim-demo"
	SecondClusterID = "ehpc-sim-demo2"
)

// DemoClusters are those of the quick start: one of that many nodes, and a small one, so
// that a run on several has some.
func DemoClusters(nodes int) []ehpcsim.Cluster {
	const small = 2
	return []ehpcsim.Cluster{ehpcsim.DemoCluster(ClusterID, nodes), ehpcsim.DemoCluster(SecondClusterID, small)}
}

// Options of a stack.
type Options struct {
	Temporal string // address of the server

	// Simulator's address; when it is taken, the system chooses a port.
	SimulatorAddress string

	Nodes     int               // of the simulated cluster
	Clusters  []ehpcsim.Cluster // to simulate; nil is one of that many running nodes
	Script    *ehpcsim.Script   // of its commands and jobs; nil runs them
	Jobs      ehpcsim.JobSettings
	APIRate   float64           // most requests a second of each worker; 0 is 1000
	Pace      activities.Pace   // of the worker
	TaskQueue string            // that it serves
	Logger    *zap.Logger       // of the SDK and the worker
	Key       ehpcsim.AccessKey // with which the API is called; the zero value is a new one
	Identity  string            // of the client and worker, in histories; "" is the SDK's choice

	// OutputStore of the workers, as worker --output-store takes it; "" is none.
	OutputStore string

	// Secrets that jobs name, of the workers; "" has none.
	Secrets secrets.Dir

	// Keys with which the client and the workers encrypt; nil is without.
	Keys *encryption.Keyring
}

// Stack is a running system.
type Stack struct {
	Simulator *ehpcsim.Simulator
	API       *ehpcsim.Server
	Key       ehpcsim.AccessKey // with which the API is called
	Client    client.Client
	options   Options
	workers   []*taskqueue.Worker
}

// Start starts everything and returns when runs can be started.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{Key: o.Key, options: o}
	if s.Key.ID == "" {
		s.Key = ehpcsim.NewAccessKey()
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context) error {
	var err error
	clusters := s.options.Clusters
	if clusters == nil {
		clusters = []ehpcsim.Cluster{ehpcsim.DemoCluster(ClusterID, s.options.Nodes)}
	}
	if s.Simulator, err = ehpcsim.New(ehpcsim.Config{
		Clusters:   clusters,
		AccessKeys: []ehpcsim.AccessKey{s.Key},
		Script:     s.options.Script,
		Jobs:       s.options.Jobs,
	}); err != nil {
		return fmt.Errorf("start the simulated cluster: %w", err)
	}
	if s.API, err = s.Simulator.Listen(s.options.SimulatorAddress); err != nil {
		if s.API, err = s.Simulator.Listen("127.0.0.1:0"); err != nil {
			return fmt.Errorf("start the simulated cluster: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	encrypting, err := encryption.DialOption(s.options.Keys)
	if err != nil {
		return err
	}
	if s.Client, err = client.DialContext(ctx, client.Options{
		HostPort:          s.options.Temporal,
		Namespace:         devserver.Namespace,
		Logger:            logging.ForTemporal(s.options.Logger),
		Identity:          s.options.Identity,
		ConnectionOptions: client.ConnectionOptions{DialOptions: []grpc.DialOption{encrypting}},
	}); err != nil {
		return fmt.Errorf("connect to Temporal: %w", err)
	}
	if _, err := setup.Ensure(ctx, s.Client, devserver.Namespace); err != nil {
		return fmt.Errorf("prepare the namespace: %w", err)
	}
	return s.StartWorker()
}

// StartWorker starts a worker, the first or one more. Each has a request budget of its
// own, as it would in a process of its own.
func (s *Stack) StartWorker() error {
	api, err := ehpc.New(ehpc.Config{
		Region:      "cn-hangzhou",
		Endpoint:    s.API.URL(),
		Budget:      ehpc.NewBudget(cmp.Or(s.options.APIRate, simulatorRate)),
		Credentials: credentials.NewStaticSTSCredentialsProvider(s.Key.ID, s.Key.Secret, s.Key.SecurityToken),
	})
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	store, err := outputs.Open(s.options.OutputStore)
	if err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	w := taskqueue.NewWorker(s.Client, s.options.TaskQueue, activities.Activities{EHPC: api, Pace: s.options.Pace, Outputs: store, Secrets: s.options.Secrets}, taskqueue.Settings{})
	if err := w.Start(); err != nil {
		return fmt.Errorf("start the worker: %w", err)
	}
	s.workers = append(s.workers, w)
	return nil
}

// StopWorker stops the stack's workers in order.
func (s *Stack) StopWorker() {
	for _, w := range s.workers {
		w.Stop()
	}
	s.workers = nil
}

// Stop ends everything, simulated commands included. It may be called twice.
func (s *Stack) Stop() error {
	s.StopWorker()
	var errs []error
	if s.Client != nil {
		s.Client.Close()
	}
	if s.API != nil {
		errs = append(errs, s.API.Close())
	}
	if s.Simulator != nil {
		errs = append(errs, s.Simulator.Close())
	}
	return errors.Join(errs...)
}
