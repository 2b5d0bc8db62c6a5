package workflows_test

import (
	"fmt"
	"slices"
	"time"

	"ehpcflow/workflows"
	"ehpcflow/workflows/policy"
)

// takes notes an order that was accepted.
func (c *claims) takes(order workflows.Order, name string, now time.Time, status workflows.RunCommandStatus) {
	order.Action, order.At = name, now
	c.orders = append(c.orders, order)
	c.seen[name]++
	switch name {
	case workflows.PauseUpdate:
		c.paused, c.waits = now, now
	case workflows.ResumeUpdate:
		c.paused, c.waits = time.Time{}, now
	case workflows.ApproveUpdate:
		wave := status.Rollout.Wait.Wave - 1
		c.require(!slices.Contains(c.approvals[wave], order.By), "%s approved wave %d twice", order.By, wave+1)
		c.approvals[wave] = append(c.approvals[wave], order.By)
	case workflows.RejectUpdate:
		c.over = now
	case workflows.AbandonUpdate:
		c.over = now
	case workflows.SkipUpdate:
		for _, id := range order.Nodes {
			c.skipped[id] = true
		}
	case workflows.AddUpdate:
		for _, id := range order.Nodes {
			c.target = append(c.target, id)
			c.wave[id] = c.waves - 1
		}
		if last := status.Rollout.Waves[c.waves-1]; last.StartedAt.IsZero() {
			c.approvals[c.waves-1] = nil
		}
	case workflows.RetryUpdate:
		for _, id := range order.Nodes {
			c.retries[id]++
			delete(c.skipped, id)
			delete(c.ended, id)
		}
	case workflows.SetUpdate:
		c.set(*order.Set, now)
	}
}

func (c *claims) set(s workflows.Settings, now time.Time) {
	if s.Concurrency != nil {
		c.policy.Concurrency = *s.Concurrency
	}
	if s.MaxFailures != nil {
		c.policy.Budget.Whole = s.MaxFailures
	}
	if s.MaxFailuresPerWave != nil {
		c.policy.Budget.PerWave = s.MaxFailuresPerWave
	}
	if d := s.DeadlineSeconds; d != nil {
		c.deadline = time.Time{}
		if *d > 0 {
			c.deadline = c.started.Add(time.Duration(*d) * time.Second)
		}
	}
	c.judge(now)
}

// Sizes again, in hundredths of a percent, from how they are written.

func parts(s policy.Size) (number, share int) {
	text := s.String()
	if text[len(text)-1] != '%' {
		_, _ = fmt.Sscanf(text, "%d", &number)
		return number, 0
	}
	var percent float64
	_, _ = fmt.Sscanf(text, "%f", &percent)
	return 0, int(percent*100 + 0.5)
}

func sizeOf(s policy.Size, n int) int {
	number, share := parts(s)
	return number + n*share/10_000
}

func exceeds(s policy.Size, k, n int) bool {
	number, share := parts(s)
	return k*10_000 > number*10_000+n*share
}

func reaches(s policy.Size, k, n int) bool {
	number, share := parts(s)
	return k*10_000 >= number*10_000+n*share
}
