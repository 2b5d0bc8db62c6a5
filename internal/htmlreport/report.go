// Package htmlreport writes a run as one HTML file that stands by itself: it refers to
// nothing outside, and can be read without a script. It knows what internal/runs reads, and
// asks nobody anything.
package htmlreport

import (
	"crypto/sha256"
	_ "embed" // the page, its style and its script
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"ehpcflow/activities"
	"ehpcflow/internal/runs"
	"ehpcflow/workflows"
)

var (
	//go:embed page.html.tmpl
	page string
	//go:embed page.css
	style string
	//go:embed page.js
	script string

	tmpl = template.Must(template.New("page").Parse(page))
)

// Write writes the report of a run. It is about 0.4 kB for each node, and the output that
// the run keeps: 4 MB of 10,000 nodes.
func Write(out io.Writer, id string, whole runs.Whole, now time.Time) error {
	v := view{
		ID: id, Written: stamp(now),
		Policy: fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'", digest(style), digest(script)),
		Style:  template.HTML("<style>" + style + "</style>"),    //nolint:gosec // it is ours
		Script: template.HTML("<script>" + script + "</script>"), //nolint:gosec // it is ours
	}
	if over := whole.Clusters; over != nil {
		v.Verdict, v.Class = outcome(over.State, over.Verdict)
		v.Reason = over.Reason
		v.Facts = append(v.Facts, fact{"clusters", over.ClustersText()})
		v.Facts = append(v.Facts, times(over.StartedAt, over.EndedAt, now)...)
		v.Command = over.Command
		if over.Error != nil {
			v.Reason = over.Error.Message
		}
		for _, cluster := range over.Clusters {
			if !slices.ContainsFunc(whole.Runs, func(r runs.Report) bool { return r.RunID == cluster.RunID }) {
				v.Sections = append(v.Sections, section{Title: cluster.ClusterID, Verdict: cluster.Outcome(), Class: "other", Reason: cluster.Remark()})
			}
		}
	}
	if over := whole.Pipeline; over != nil {
		v.overPipeline(*over, whole.Runs, now)
	}
	for _, report := range whole.Runs {
		s := sectionOf(report, now)
		if whole.Pipeline != nil {
			s.Title = strings.TrimPrefix(report.RunID, id+"/") + " on " + report.ClusterID
		}
		if whole.Clusters == nil && whole.Pipeline == nil {
			v.Verdict, v.Class, v.Reason, v.Facts, v.Command = s.Verdict, s.Class, s.Reason, s.Facts, report.Command
			s.Verdict, s.Reason, s.Facts = "", "", nil
		}
		v.Sections = append(v.Sections, s)
	}
	for _, line := range whole.Elsewhere() {
		v.Facts = append(v.Facts, fact{"not here", line})
	}
	if whole.By != "" {
		v.Facts = append(v.Facts, fact{"started by", whole.By})
	}
	return tmpl.Execute(out, v)
}

// overPipeline tells how a pipeline stands, and of its steps that are no commands.
func (v *view) overPipeline(over runs.PipelineReport, commands []runs.Report, now time.Time) {
	v.Verdict, v.Class = outcome(over.State, over.Verdict)
	v.Reason, v.Command = over.Reason, "pipeline "+over.Pipeline
	if over.Error != nil {
		v.Reason = over.Error.Message
	}
	v.Facts = append(v.Facts, fact{"steps", fmt.Sprint(len(over.All()))})
	v.Facts = append(v.Facts, times(over.StartedAt, over.EndedAt, now)...)
	for _, step := range over.All() {
		if step.RunID != "" && slices.ContainsFunc(commands, func(r runs.Report) bool {
			return r.RunID == step.RunID || strings.HasPrefix(r.RunID, step.RunID+"/")
		}) {
			continue
		}
		reason := step.Reason
		if step.DoneIn != "" {
			reason = "not run again, done in " + step.DoneIn
		}
		v.Sections = append(v.Sections, section{Title: step.Name, Verdict: string(step.State), Class: "other", Reason: reason})
	}
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// view is what the page shows.
type view struct {
	ID, Written, Verdict, Class, Reason, Command, Policy string
	Facts                                                []fact
	Sections                                             []section
	Style, Script                                        template.HTML
}

type fact struct{ Name, Text string }

// section is about one cluster.
type section struct {
	Title, Verdict, Class, Reason string
	Facts                         []fact
	Timeline                      timeline
	Waves                         []waveRow
	Outputs                       []output // of nodes that did not succeed
	MoreOutputs                   int      // that are in the table only
	Nodes                         []nodeRow
	HasHosts, HasWaves            bool
}

type waveRow struct {
	Number, Nodes       int
	States, Began, Took string
}

type output struct{ Node, State, Class, Remark, Text string }

type nodeRow struct {
	ID, Host, State, Class, Exit, Remark, Ended, Took, Output string
	Wave, Tries                                               int
	Seconds                                                   float64
}

// mostOutputs is how many failed outputs stand first.
const mostOutputs = 50

func sectionOf(report runs.Report, now time.Time) section {
	s := section{Title: report.ClusterID, Timeline: timelineOf(report, now)}
	s.Verdict, s.Class = outcome(report.State, report.Verdict)
	s.Reason = report.Reason
	if report.Error != nil {
		s.Reason = report.Error.Message
	}
	if report.State == runs.Running && report.Trouble != "" {
		s.Reason = "waiting: " + report.Trouble
	}
	s.Facts = facts(report, now)
	if report.Rollout != nil {
		for i, wave := range report.Rollout.Waves {
			row := waveRow{Number: i + 1, Nodes: wave.Nodes, States: workflows.CountsText(wave.States), Began: stamp(wave.StartedAt)}
			if !wave.StartedAt.IsZero() && !wave.EndedAt.IsZero() {
				row.Took = took(wave.EndedAt.Sub(wave.StartedAt))
			}
			s.Waves = append(s.Waves, row)
		}
	}
	begins := begun(report)
	for _, node := range report.Nodes {
		row := rowOf(node, begins[node.InstanceID])
		s.HasHosts = s.HasHosts || row.Host != ""
		s.HasWaves = s.HasWaves || row.Wave > 0
		s.Nodes = append(s.Nodes, row)
		if row.Class != "bad" {
			continue
		}
		if len(s.Outputs) == mostOutputs {
			s.MoreOutputs++
			continue
		}
		s.Outputs = append(s.Outputs, output{
			Node: strings.TrimSpace(node.InstanceID + " " + node.HostName), State: row.State + exitText(node), Class: row.Class, Remark: node.Remark(), Text: node.Output,
		})
	}
	return s
}

func rowOf(node workflows.NodeResult, began time.Time) nodeRow {
	row := nodeRow{
		ID: node.InstanceID, Host: node.HostName, State: string(node.State), Class: classOf(node.State), Remark: node.Remark(),
		Wave: node.Wave, Tries: max(node.Tries, len(node.Attempts)+1), Output: node.Output,
	}
	if node.ExitCode != nil {
		row.Exit = fmt.Sprint(*node.ExitCode)
	}
	if node.OutputCut {
		row.Remark = strings.TrimLeft(fmt.Sprintf("%s; output cut from %d bytes", row.Remark, node.OutputBytes), "; ")
		if node.OutputURI != "" {
			row.Remark += ", all of it: " + node.OutputURI
		}
	}
	if !node.FinishedAt.IsZero() {
		row.Ended = stamp(node.FinishedAt)
		if !began.IsZero() && !endedBefore(node, began) {
			row.Seconds = max(node.FinishedAt.Sub(began).Seconds(), 0)
			row.Took = took(node.FinishedAt.Sub(began))
		}
	}
	return row
}

// endedBefore says whether a node ended before the run knows of its command, as one that
// was attached to later: how long it took is not known. An end is told in whole seconds.
func endedBefore(node workflows.NodeResult, began time.Time) bool {
	return !node.FinishedAt.IsZero() && node.FinishedAt.Before(began.Truncate(time.Second))
}

func exitText(node workflows.NodeResult) string {
	if node.ExitCode == nil {
		return ""
	}
	return fmt.Sprintf(", exit %d", *node.ExitCode)
}

func facts(report runs.Report, now time.Time) []fact {
	all := []fact{{"cluster", report.ClusterID}, {"nodes", fmt.Sprintf("%d: %s", len(report.Nodes), workflows.CountsText(report.Counts()))}}
	all = append(all, times(report.StartedAt, report.EndedAt, now)...)
	if report.CommandID != "" {
		text := report.CommandID
		if more := len(report.Commands) - 1; more > 0 {
			text += fmt.Sprintf(" and %d more", more)
		}
		if len(report.Commands) > 0 && report.Commands[0].Attached {
			text += ", submitted elsewhere"
		}
		all = append(all, fact{"command id", text})
	}
	if origin := report.Origin(); origin != "" {
		all = append(all, fact{"origin", origin})
	}
	return all
}

func times(began, ended, now time.Time) []fact {
	switch {
	case began.IsZero():
		return nil
	case ended.IsZero():
		return []fact{{"began", stamp(began)}, {"so far", took(now.Sub(began))}}
	}
	return []fact{{"began", stamp(began)}, {"ended", stamp(ended)}, {"took", took(ended.Sub(began))}}
}

// outcome says in a word how a run stands, and as what it is shown.
func outcome(state runs.State, verdict workflows.Verdict) (text, class string) {
	switch {
	case state == runs.Running:
		return "goes on", "other"
	case verdict == workflows.Succeeded && state == runs.Completed:
		return string(verdict), "good"
	case verdict != "":
		return string(verdict), "bad"
	case state == runs.Canceled:
		return "cancelled", "bad"
	}
	return string(state), "bad"
}

// classOf is as what a node is shown.
func classOf(state workflows.NodeState) string {
	switch state {
	case activities.Succeeded:
		return "good"
	case activities.Nonzero, activities.Failed, activities.TimedOut, activities.Stopped, activities.Lost:
		return "bad"
	case activities.Running, activities.Finished:
		return "going"
	case activities.Skipped, activities.Pending, activities.Unknown:
	}
	return "other"
}

func stamp(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

func took(length time.Duration) string {
	return max(length, 0).Round(time.Second).String()
}
