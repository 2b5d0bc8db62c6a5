package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"ehpcflow/activities"
)

// Poller is a way to choose when to look again at a command.
type Poller struct {
	Name  string
	until func(age time.Duration) time.Duration
}

// fixed looks at an interval, as most tools do.
func fixed(every time.Duration) Poller {
	return Poller{fmt.Sprintf("fixed %v", short(every)), func(time.Duration) time.Duration { return every }}
}

var start = time.Unix(1_800_000_000, 0)

// adaptive looks as package activities does.
func adaptive(pace activities.Pace) Poller {
	name := fmt.Sprintf("age/%d, %v to %v", pace.LooksPerAge, short(pace.Look.Min), short(pace.Look.Max))
	return Poller{name, func(age time.Duration) time.Duration {
		return pace.UntilLook(activities.Milestones{SubmittedAt: start}, start.Add(age))
	}}
}

// paced is the default pace with another divisor and another longest wait.
func paced(looksPerAge int, longest time.Duration) Poller {
	pace := activities.DefaultPace()
	pace.LooksPerAge, pace.Look.Max = looksPerAge, longest
	return adaptive(pace)
}

// Outcome is what a poller costs and how late it is, over many commands.
type Outcome struct {
	Name        string  `json:"name"`
	Calls       float64 `json:"callsPerCommand"`
	LagP50      float64 `json:"lagP50Seconds"`
	LagP99      float64 `json:"lagP99Seconds"`
	LagMax      float64 `json:"lagMaxSeconds"`
	RelativeP50 float64 `json:"relativeLagP50"`
	RelativeP95 float64 `json:"relativeLagP95"`
}

// watch looks at a command until a look finds it ended.
func (p Poller) watch(runtime time.Duration) (lag time.Duration, calls int) {
	age := time.Duration(0)
	for {
		age += p.until(age)
		calls++
		if age >= runtime {
			return age - runtime, calls
		}
	}
}

// over watches a command of each runtime.
func (p Poller) over(runtimes []time.Duration) Outcome {
	var lags, relative []float64
	calls := 0
	for _, runtime := range runtimes {
		lag, n := p.watch(runtime)
		calls += n
		lags = append(lags, lag.Seconds())
		relative = append(relative, lag.Seconds()/runtime.Seconds())
	}
	slices.Sort(lags)
	slices.Sort(relative)
	return Outcome{
		Name: p.Name, Calls: float64(calls) / float64(len(runtimes)),
		LagP50: quantile(lags, 0.5), LagP99: quantile(lags, 0.99), LagMax: lags[len(lags)-1],
		RelativeP50: quantile(relative, 0.5), RelativeP95: quantile(relative, 0.95),
	}
}

func quantile(sorted []float64, q float64) float64 { return sorted[int(q*float64(len(sorted)-1))] }

// mix is many runtimes from a second to a day, each order of magnitude as frequent
// as the others.
func mix(n int) []time.Duration {
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable on purpose
	runtimes := make([]time.Duration, n)
	for i := range runtimes {
		runtimes[i] = time.Duration(math.Exp(dice.Float64()*math.Log((24*time.Hour).Seconds())) * float64(time.Second))
	}
	return runtimes
}

// around is many runtimes close to one.
func around(runtime time.Duration, n int) []time.Duration {
	runtimes := make([]time.Duration, n)
	for i := range runtimes {
		runtimes[i] = time.Duration(float64(runtime) * (0.8 + 0.4*float64(i)/float64(n)))
	}
	return runtimes
}

// atEqualCost is the fixed poller that makes as many calls over these runtimes.
func atEqualCost(calls float64, runtimes []time.Duration) Poller {
	low, high := time.Second, time.Hour
	for high-low > 10*time.Millisecond {
		middle := (low + high) / 2
		if fixed(middle).over(runtimes).Calls > calls {
			low = middle
		} else {
			high = middle
		}
	}
	p := fixed(high)
	p.Name = fmt.Sprintf("fixed %.1fs, equal calls", high.Seconds())
	return p
}

func short(d time.Duration) string {
	switch {
	case d >= time.Minute && d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	default:
		return fmt.Sprintf("%gs", d.Seconds())
	}
}
