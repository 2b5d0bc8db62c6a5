package ehpcsim

import (
	"context"
	"slices"
	"time"
)

// Fault is something that goes wrong with a request, after its authentication.
type Fault struct {
	// Action that it hits; "" is any.
	Action string

	// Code of a documented error that is answered instead of doing the action.
	Code string

	// Drop closes the connection without an answer.
	Drop Drop

	// Delay before the answer, after the action was done. It is cut short when
	// the client goes away or the simulator closes.
	Delay time.Duration

	// Times is how many requests it hits. 0 means one; negative, for ever.
	Times int
}

// Drop says when a connection is closed without an answer.
type Drop int

// The moments.
const (
	NoDrop     Drop = iota
	DropBefore      // the action is not done
	DropAfter       // the action is done
)

// Inject adds a fault. Faults of an action take their turns in the order in which
// they were injected, one a request.
func (s *Simulator) Inject(f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// count counts a request and takes the fault that hits it.
func (s *Simulator) count(action string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[action]++
	for i, fault := range s.faults {
		if fault.Action != "" && fault.Action != action {
			continue
		}
		hit := *fault
		if fault.Times > 0 {
			fault.Times--
		}
		if fault.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return hit
	}
	return Fault{}
}

func (f Fault) failure() *apiError {
	if f.Code == "" {
		return nil
	}
	if f.Code == "InvalidParams" {
		return invalid("Injected")
	}
	return fail(f.Code)
}

func (s *Simulator) delay(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	case <-s.closing:
	}
}
