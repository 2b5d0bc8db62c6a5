package main

import (
	"slices"
	"time"
)

// Measurement is one pattern under one load.
type Measurement struct {
	Pattern  string   `json:"pattern"`
	Runs     int      `json:"runs"`
	Failures []string `json:"failures"`

	// For each run.
	Events   float64 `json:"historyEvents"`
	Bytes    float64 `json:"historyBytes"`
	APICalls float64 `json:"apiCalls"`

	EndLag  Lag `json:"endLagSeconds"`
	NodeLag Lag `json:"nodeLagSeconds"`

	// For all runs together.
	ServerCPU    float64 `json:"serverCPUSeconds"`
	WorkerCPU    float64 `json:"workerCPUSeconds"`
	WorkerIdleMB float64 `json:"workerIdleMB"` // peak before the first start
	WorkerPeakMB float64 `json:"workerPeakMB"`
	Wall         float64 `json:"wallSeconds"` // from the first start to the last end
}

// Lag is how late something is known, in seconds.
type Lag struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// summed sums up what the runs left.
func summed(runs []run, started time.Time) Measurement {
	m := Measurement{Runs: len(runs), Failures: []string{}}
	var ends, nodes []time.Duration
	for _, r := range runs {
		m.Events += float64(r.events) / float64(len(runs))
		m.Bytes += float64(r.bytes) / float64(len(runs))
		m.Wall = max(m.Wall, r.closed.Sub(started).Seconds())
		if r.failure != "" {
			m.Failures = append(m.Failures, r.failure)
			continue
		}
		ends, nodes = append(ends, r.endLag), append(nodes, r.nodeLags...)
	}
	m.EndLag, m.NodeLag = lagOf(ends), lagOf(nodes)
	return m
}

func lagOf(lags []time.Duration) Lag {
	if len(lags) == 0 {
		return Lag{}
	}
	slices.Sort(lags)
	at := func(percent int) float64 { return lags[(len(lags)*percent-1)/100].Seconds() }
	return Lag{at(50), at(99)}
}
