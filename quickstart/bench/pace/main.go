// Command pace draws the trade-off between noticing early that a command has ended
// and calling the API seldom, for the pace of package activities and for the fixed
// intervals of other tools. It simulates: no time passes, nothing is called.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"ehpcflow/activities"
)

func main() {
	dir := flag.String("out", "../docs", "directory to write pace.md, pace.json and pace.svg to")
	commands := flag.Int("commands", 20_000, "commands to watch with each poller")
	flag.Parse()
	if err := run(*dir, mix(*commands)); err != nil {
		fmt.Fprintln(os.Stderr, "pace:", err)
		os.Exit(1)
	}
}

// peers are the fixed intervals in use elsewhere.
var peers = []time.Duration{5 * time.Second, 10 * time.Second, time.Minute, 2 * time.Minute}

func run(dir string, runtimes []time.Duration) error {
	ours := adaptive(activities.DefaultPace())
	cost := ours.over(runtimes).Calls
	compared := []Poller{ours, atEqualCost(cost, runtimes)}
	for _, every := range peers {
		compared = append(compared, fixed(every))
	}
	var curve []Poller
	for _, looks := range []int{5, 10, 20, 80, 160} {
		curve = append(curve, paced(looks, time.Minute))
	}
	for _, longest := range []time.Duration{20 * time.Second, 2 * time.Minute} {
		curve = append(curve, paced(activities.DefaultPace().LooksPerAge, longest))
	}
	report := struct {
		Compared []Outcome `json:"compared"`
		Curve    []Outcome `json:"curve"`
	}{outcomes(compared, runtimes), outcomes(curve, runtimes)}

	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	drawn, err := picture(compared, curve, runtimes)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, pageText, len(runtimes), tableOf(report.Compared), tableOf(report.Curve))
	for name, content := range map[string][]byte{"pace.json": append(text, '\n'), "pace.svg": drawn, "pace.md": page.Bytes()} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil { //nolint:gosec // documents
			return err
		}
	}
	return nil
}

func outcomes(pollers []Poller, runtimes []time.Duration) []Outcome {
	var all []Outcome
	for _, p := range pollers {
		all = append(all, p.over(runtimes))
	}
	return all
}

func tableOf(outcomes []Outcome) string {
	t := table.NewWriter()
	t.AppendHeader(table.Row{"pace", "calls a command", "lag p50", "lag p99", "longest lag", "lag ÷ runtime p50", "p95"})
	for _, o := range outcomes {
		t.AppendRow(table.Row{
			o.Name, fmt.Sprintf("%.0f", o.Calls), fmt.Sprintf("%.1f s", o.LagP50), fmt.Sprintf("%.1f s", o.LagP99),
			fmt.Sprintf("%.1f s", o.LagMax), fmt.Sprintf("%.1f %%", 100*o.RelativeP50), fmt.Sprintf("%.1f %%", 100*o.RelativeP95),
		})
	}
	return t.RenderMarkdown()
}

const pageText = `# How often a running command is looked at

The API cannot tell anybody that a command has ended: it has to be asked, and every
question costs a request of a quota that the whole account shares. ehpcflow looks
again after a fortieth of the time that the command has run, a second at the least
and a minute at the most. So the end of a short command is noticed within a second,
that of a long one within a fortieth of its runtime, and a day costs little more
than a look a minute.

![Lag against runtime, and against calls](pace.svg)

Over %d simulated commands from a second to a day, each order of magnitude as
frequent as the others; lag is the time from a command's end to the look that finds
it. "Equal calls" is the fixed interval that makes as many calls in all.

%s

## Why these defaults

The same with other divisors of the age, and with other longest waits. Up to 40 each
doubling nearly halves the median lag for a quarter more calls; beyond, it costs a
third more and half as much again. Of the longest wait, two minutes would save a
quarter of the calls and notice the end of long commands twice as late; 20 seconds
would double the calls.

%s

The default is ` + "`DefaultPace`" + ` in package activities. On top of what is shown here,
looks are close just after the time when a command is expected to end
(` + "`starter run --expect`" + `) and when the service kills it (` + "`--timeout`" + `), and further
apart while the request budget is short: no look is due sooner than the last one took.

This page, [pace.json](pace.json) and the picture are written by ` + "`make pace`" + `, which
simulates the very function that the worker uses.
`
