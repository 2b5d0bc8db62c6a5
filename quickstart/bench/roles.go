package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"ehpcflow/ehpc"
	"ehpcflow/ehpcsim"
	"ehpcflow/internal/logging"
	"ehpcflow/quickstart/devserver"
)

// The roles of a child, as the only word on its command line.
const (
	serverRole = "temporal-server"
	workerRole = "pattern-worker"
)

// unlimited is a request budget that is never the limit, in requests a second.
const unlimited = 100_000

// taskQueue of all patterns; each has a server of its own.
const taskQueue = "bench"

// workerSetting is what a worker has to know.
type workerSetting struct {
	Pattern  string
	Runs     int    // at once
	Temporal string // address of the server
	Endpoint string // of the simulator
	Key      ehpcsim.AccessKey
}

// play plays the role that the arguments name, if they do.
func play(args []string) (code int, played bool) {
	roles := map[string]func() error{serverRole: serveTemporal, workerRole: serveWorker}
	if len(args) != 1 || roles[args[0]] == nil {
		return 0, false
	}
	if err := roles[args[0]](); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %s: %v\n", args[0], err)
		return 1, true
	}
	return 0, true
}

// serveTemporal answers with the server's address.
func serveTemporal() error {
	server, err := devserver.Start(devserver.Options{})
	if err != nil {
		return err
	}
	fmt.Println(server.Address())
	return errors.Join(untilStdinEnds(os.Stdin), server.Stop())
}

// serveWorker answers when it serves.
func serveWorker() error {
	var setting workerSetting
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&setting); err != nil {
		return err
	}
	p, err := patternNamed(setting.Pattern)
	if err != nil {
		return err
	}
	c, err := dial(setting.Temporal)
	if err != nil {
		return err
	}
	defer c.Close()
	api, err := ehpc.New(ehpc.Config{
		Region:      "cn-hangzhou",
		Endpoint:    setting.Endpoint,
		Budget:      ehpc.NewBudget(unlimited),
		Credentials: credentials.NewStaticSTSCredentialsProvider(setting.Key.ID, setting.Key.Secret, setting.Key.SecurityToken),
	})
	if err != nil {
		return err
	}
	w := p.worker(c, api, setting.Runs)
	if err := w.Start(); err != nil {
		return err
	}
	fmt.Println("serving")
	err = untilStdinEnds(os.Stdin)
	w.Stop()
	return err
}

func untilStdinEnds(stdin io.Reader) error {
	_, err := io.Copy(io.Discard, stdin)
	return err
}

func dial(address string) (client.Client, error) {
	return client.Dial(client.Options{
		HostPort: address, Namespace: devserver.Namespace, Logger: logging.ForTemporal(zap.NewNop()),
	})
}
