package workflows_test

import (
	"fmt"
	"slices"
	"time"

	"ehpcflow/activities"
	"ehpcflow/workflows"
)

type (
	submitInput   = activities.InvokeShellCommandInput
	resultsInput  = activities.ListInvocationResultsInput
	resultRecords = activities.ResultRecords
)

// crowd are the people around a rollout. Some give orders as they like; from a time on
// somebody attends to whatever it waits for, so that it ends.
type crowd struct {
	*rolloutCase
	busy     int // orders to come, about
	helpful  time.Time
	next     time.Time
	cancelAt time.Time
	renewAt  time.Time
	given    int
}

func newCrowd(c *rolloutCase) crowd {
	people := crowd{rolloutCase: c, helpful: c.started.Add(time.Duration(c.dice.IntN(4*3600)) * time.Second)}
	if c.dice.IntN(2) == 0 {
		people.busy = c.dice.IntN(12)
	}
	if c.dice.IntN(10) == 0 {
		people.cancelAt = c.started.Add(time.Duration(c.dice.IntN(3600)) * time.Second)
	}
	return people
}

// begin has people attend to a run.
func (p *crowd) begin(now time.Time) {
	p.renewAt = time.Time{}
	if p.dice.IntN(2) == 0 && p.runs < 6 {
		p.renewAt = now.Add(time.Duration(p.dice.IntN(1800)) * time.Second)
	}
	p.next = now.Add(time.Millisecond)
	p.wait(now)
}

func (p *crowd) wait(now time.Time) {
	p.env.RegisterDelayedCallback(func() {
		now := p.env.Now().UTC()
		p.act(now)
		after := time.Duration(1+p.dice.IntN(300)) * time.Second
		if p.busy == 0 && now.After(p.helpful) {
			after += 5 * time.Minute
		}
		p.next = now.Add(after)
		p.wait(now)
	}, max(p.next.Sub(now), time.Millisecond))
}

func (p *crowd) act(now time.Time) {
	if !p.renewAt.IsZero() && !now.Before(p.renewAt) {
		p.env.SetContinueAsNewSuggested(true)
	}
	if !p.cancelAt.IsZero() && !now.Before(p.cancelAt) && !p.cancelled || now.After(p.started.Add(14*24*time.Hour)) {
		p.cancelled = true
		if p.over.IsZero() {
			p.over = now
		}
		p.note(now, "cancel")
		p.env.CancelWorkflow()
		return
	}
	var status workflows.RunCommandStatus
	answer, err := p.env.QueryWorkflow(workflows.StatusQuery)
	if err != nil {
		return // the run has not begun
	}
	if err := answer.Get(&status); err != nil {
		panic(err)
	}
	if status.Question != nil {
		p.count("question", true)
		if p.dice.IntN(3) == 0 || now.After(p.helpful) {
			p.answer(status)
		}
		return
	}
	if now.After(p.helpful) {
		p.help(status)
	}
	if p.busy > 0 && p.dice.IntN(2) == 0 {
		p.busy--
		p.meddle(status)
	}
}

func (p *crowd) answer(status workflows.RunCommandStatus) {
	choice := status.Question.Choices[p.dice.IntN(len(status.Question.Choices))]
	answer := workflows.Answer{Choice: choice, By: "somebody"}
	if choice == workflows.Adopt { // what is really there, if that is plain
		var there []string
		for _, command := range p.commands {
			if slices.Contains(p.api.hidden, command.token) && !command.stop {
				there = append(there, command.id)
			}
		}
		if len(there) == 1 && len(slices.Compact(slices.Sorted(slices.Values(p.api.hidden)))) == 1 {
			answer.CommandID = there[0]
		} else {
			answer.Choice = workflows.Abandon
		}
	}
	p.update(workflows.AnswerUpdate, answer, func() {
		for _, token := range p.api.hidden {
			p.givenUp[token] = p.givenUp[token] || answer.Choice == workflows.Abandon
		}
	})
}

// help lets it go on.
func (p *crowd) help(status workflows.RunCommandStatus) {
	wait := status.Rollout.Wait
	switch {
	case status.Rollout.Paused:
		p.order(workflows.ResumeUpdate, workflows.Order{}, status)
	case wait != nil && wait.For == workflows.ForApproval && p.dice.IntN(12) == 0:
		p.order(workflows.RejectUpdate, workflows.Order{}, status)
	case wait != nil && wait.For == workflows.ForApproval:
		p.order(workflows.ApproveUpdate, workflows.Order{}, status)
	}
}

// meddle gives any order, fit or not.
func (p *crowd) meddle(status workflows.RunCommandStatus) {
	nodes := func() (ids []string) {
		for range 1 + p.dice.IntN(3) {
			ids = append(ids, p.target[p.dice.IntN(len(p.target))])
		}
		slices.Sort(ids)
		return slices.Compact(ids)
	}
	switch p.dice.IntN(13) {
	case 0, 1:
		p.order(workflows.PauseUpdate, workflows.Order{}, status)
	case 2:
		p.order(workflows.ResumeUpdate, workflows.Order{}, status)
	case 3:
		p.order(workflows.ApproveUpdate, workflows.Order{}, status)
	case 4:
		p.order(workflows.RejectUpdate, workflows.Order{}, status)
	case 5:
		if p.dice.IntN(3) == 0 {
			p.order(workflows.AbandonUpdate, workflows.Order{}, status)
		}
	case 6, 7:
		p.order(workflows.SkipUpdate, workflows.Order{Nodes: nodes()}, status)
	case 8:
		id := fmt.Sprintf("i-new-%d", len(p.target))
		p.ids = append(p.ids, id)
		p.order(workflows.AddUpdate, workflows.Order{Nodes: []string{id}}, status)
	case 9, 10:
		p.order(workflows.RetryUpdate, workflows.Order{Nodes: nodes()}, status)
	default:
		p.order(workflows.SetUpdate, workflows.Order{Set: p.settings()}, status)
	}
}

func (p *crowd) settings() *workflows.Settings {
	s := &workflows.Settings{}
	size := dealSize(p.dice, len(p.target), 0)
	switch p.dice.IntN(5) {
	case 0:
		s.Concurrency = &size
	case 1:
		s.MaxFailures = &size
	case 2:
		s.MaxFailuresPerWave = &size
	case 3:
		deadline := p.dice.IntN(4 * 3600)
		s.DeadlineSeconds = &deadline
	default:
		look := p.dice.IntN(600)
		s.LookSeconds = &look
	}
	return s
}

func (p *crowd) order(name string, order workflows.Order, status workflows.RunCommandStatus) {
	order.By, order.Why = fmt.Sprintf("person %d", p.dice.IntN(4)), "because"
	now := p.env.Now().UTC()
	p.update(name, order, func() { p.takes(order, name, now, status) })
}

func (p *crowd) update(name string, arg any, accepted func()) {
	p.given++
	id := fmt.Sprintf("update-%d", p.given)
	p.env.UpdateWorkflow(name, id, callbacks{
		accept: func() {
			p.note(p.env.Now().UTC(), "%s %+v", name, arg)
			if accepted != nil {
				accepted()
			}
		},
		reject: func(error) { p.seen["refused order"]++ },
	}, arg)
}

// callbacks hear of an update.
type callbacks struct {
	accept   func()
	reject   func(error)
	complete func(any, error)
}

func (c callbacks) Accept() {
	if c.accept != nil {
		c.accept()
	}
}

func (c callbacks) Reject(err error) {
	if c.reject != nil {
		c.reject(err)
	}
}

func (c callbacks) Complete(result any, err error) {
	if c.complete != nil {
		c.complete(result, err)
	}
}
