package main

import (
	"slices"
	"time"

	"ehpcflow/ehpc"
	"ehpcflow/internal/logging"
	"ehpcflow/internal/taskqueue"
)

// options are the values of the worker's settings.
type options struct {
	config    string
	region    string
	endpoint  string
	apiRate   float64
	taskQueue string
	work      taskqueue.Settings
	outputs   string
	secrets   string
	logLevel  string
	logFormat string
	otlp      string

	metricsAddress string
}

// settings are the one table from which flags, variables, the file, its print and the
// table of docs/worker.md are made. A group more is a function more here.
func (o *options) settings() settings {
	return slices.Concat(o.whereFrom(), o.cloud(), o.queue(), o.watchers(), o.versions())
}

func (o *options) whereFrom() settings {
	return settings{{
		name: "config", value: text(&o.config), onlyOutside: true,
		is: "YAML file of settings, one a line", unset: "none",
		consequence: "it is read once, at the start",
	}}
}

func (o *options) cloud() settings {
	return settings{
		{
			name: "region", value: text(&o.region),
			is: "cloud region of the clusters, such as cn-hangzhou", unset: "none, needed without an endpoint",
			consequence: "runs on clusters of another region are refused by the service",
		},
		{
			name: "endpoint", value: apiAddress(&o.endpoint),
			is: "address of the E-HPC API", unset: "the region's public one, over HTTPS",
			consequence: "the credential signs what is sent there; plain HTTP has to be spelled out",
		},
		{
			name: "api-rate", value: rate(&o.apiRate, ehpc.DefaultCeiling),
			is:          "most requests a second to the E-HPC API; fewer for a while whenever it throttles",
			consequence: "less makes looks rarer and ends known later; more is throttled where the account has no more",
		},
	}
}

func (o *options) queue() settings {
	o.taskQueue = taskqueue.Default
	return settings{
		{
			name: "task-queue", value: text(&o.taskQueue),
			is:          "task queue to serve",
			consequence: "runs are put on the queue that starter names; a worker serves one",
		},
		{
			name: "watches", value: count(&o.work.Watches, taskqueue.DefaultSettings.Watches),
			is:          "most runs watched at a time, some kB of memory each",
			consequence: "more runs wait for a place, here or on another worker",
		},
		{
			name: "calls", value: count(&o.work.Calls, taskqueue.DefaultSettings.Calls),
			is:          "most activities at a time that call the API, watches apart",
			consequence: "submits and reading results wait for each other when there are more",
		},
		{
			name: "output-store", value: text(&o.outputs),
			is: "directory to store the complete output of nodes in, readable by whoever reads it", unset: "none, only an excerpt is kept",
			consequence: "every worker of the queue needs the same one; see output.md",
		},
		{
			name: "secrets-dir", value: text(&o.secrets),
			is: "directory with a file for each secret that jobs name, such as the password of a cluster's user", unset: "none, a job that names a secret is refused",
			consequence: "every worker of the queue needs the same secrets; keep others from reading the files",
		},
		{
			name: "stop-patience", value: span(&o.work.StopPatience, taskqueue.DefaultSettings.StopPatience, time.Second, time.Hour),
			is:          "how long a worker that is asked to stop lets activities end, from 1s to 1h",
			consequence: "below 25s a submit under way can be cut off and leave a doubt; give whatever stops the worker some seconds more",
		},
	}
}

func (o *options) watchers() settings {
	return settings{
		{
			name: "log-level", value: choice(&o.logLevel, "info", "debug", "info", "warn", "error"),
			is:          "debug, info, warn or error",
			consequence: "debug is some lines for every call",
		},
		{
			name: "log-format", value: choice(&o.logFormat, logging.Auto, logging.Formats...),
			is:          "auto, console or json; auto is console on a terminal and json elsewhere",
			consequence: "json is one object a line, for a log store",
		},
		{
			name: "metrics-address", value: listenAddress(&o.metricsAddress),
			is: "address to serve /metrics (Prometheus), /healthz and /readyz on, such as 127.0.0.1:9090", unset: "none",
			consequence: "it has no password: listen where only those can reach it who may know how much runs",
		},
		{
			name: "otlp-endpoint", value: collectorAddress(&o.otlp),
			variables: []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"},
			is:        "collector of traces, OTLP over gRPC, such as http://127.0.0.1:4317", unset: "none, no traces",
			consequence: "a span for every run, step and API call; never the text of a command",
		},
	}
}

func (o *options) versions() settings {
	return settings{
		{
			name: "deployment", value: text(&o.work.Deployment),
			is: "name of the Worker Deployment that the worker is a part of; needs build-id", unset: "none, not versioned",
			consequence: "it gets no run until its version is made current; see upgrades.md",
		},
		{
			name: "build-id", value: text(&o.work.BuildID),
			is: "version of this worker within its deployment, such as 1.4.0; needs deployment", unset: "none",
			consequence: "two workers of one build id have to run the same program",
		},
	}
}
