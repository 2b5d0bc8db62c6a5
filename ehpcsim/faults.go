package ehpcsim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/time/rate"
)

// Fault is something that goes wrong with a request, after its authentication.
type Fault struct {
	// Action that it hits; "" is any.
	Action string `yaml:"action,omitempty"`

	// Node, by instance id: only requests that name it. "" is any request.
	Node string `yaml:"node,omitempty"`

	// Code of a documented error that is answered instead of doing the action.
	Code string `yaml:"code,omitempty"`

	// Drop closes the connection without an answer.
	Drop Drop `yaml:"drop,omitempty"`

	// Body cuts, doubles or replaces the answer.
	Body Body `yaml:"body,omitempty"`

	// Twice does the action twice, as when something on the way sends the request
	// again. The second answer is given.
	Twice bool `yaml:"twice,omitempty"`

	// Delay before the answer, after the action was done. It is cut short when
	// the client goes away or the simulator closes.
	Delay time.Duration `yaml:"delay,omitempty"`

	// Times is how many requests it hits. 0 means one; negative, for ever.
	Times int `yaml:"times,omitempty"`

	// Probability that it hits a request that fits it, 0 to 1. 0 means 1.
	Probability float64 `yaml:"probability,omitempty"`
}

// Drop says when a connection is closed without an answer.
type Drop string

// The moments.
const (
	NoDrop     Drop = ""
	DropBefore Drop = "before" // the action is not done
	DropAfter  Drop = "after"  // the action is done
)

// Body says how much of an answer arrives.
type Body string

// The ways.
const (
	WholeBody   Body = ""
	HalfBody    Body = "half"    // cut in the middle, although its length was promised
	DoubleBody  Body = "double"  // the whole answer, and once more
	GarbageBody Body = "garbage" // a page of something else
)

// Faults is what can go wrong with a service, as a file says it.
type Faults struct {
	// Quota of requests a second, over which Throttling.User is answered; 0 is
	// none.
	Quota float64 `yaml:"quota,omitempty"`

	// ListLate makes ListCommands show a command, and ListJobs a job, only some time
	// after it was submitted. It holds for those that come from now on.
	ListLate time.Duration `yaml:"listLate,omitempty"`

	// Faults take their turns in this order, one a request.
	Faults []Fault `yaml:"faults,omitempty"`
}

// ReadFaults reads a YAML text. Unknown keys and values are errors.
func ReadFaults(from io.Reader) (Faults, error) {
	var faults Faults
	decoder := yaml.NewDecoder(from)
	decoder.KnownFields(true)
	if err := decoder.Decode(&faults); err != nil && err != io.EOF { //nolint:errorlint // Decode returns it bare
		return Faults{}, fmt.Errorf("read faults: %w", err)
	}
	return faults, faults.validate()
}

func (f Faults) validate() error {
	if f.Quota < 0 || f.ListLate < 0 {
		return fmt.Errorf("read faults: a negative quota or listLate")
	}
	for i, fault := range f.Faults {
		if err := fault.validate(); err != nil {
			return fmt.Errorf("read faults: number %d: %w", i+1, err)
		}
	}
	return nil
}

func (f Fault) validate() error {
	_, action := actions[f.Action]
	_, code := documented[f.Code]
	switch {
	case f.Action != "" && !action:
		return fmt.Errorf("there is no action %q", f.Action)
	case f.Code != "" && !code:
		return fmt.Errorf("there is no code %q", f.Code)
	case !slices.Contains([]Drop{NoDrop, DropBefore, DropAfter}, f.Drop):
		return fmt.Errorf("drop is %q, not before or after", f.Drop)
	case !slices.Contains([]Body{WholeBody, HalfBody, DoubleBody, GarbageBody}, f.Body):
		return fmt.Errorf("body is %q, not half, double or garbage", f.Body)
	case f.Delay < 0:
		return fmt.Errorf("a negative delay")
	case f.Probability < 0 || f.Probability > 1:
		return fmt.Errorf("probability is %v, not 0 to 1", f.Probability)
	}
	return nil
}

// Inject adds a fault to those that are there. One that names an action or a code
// that does not exist is a mistake of the test, and panics.
func (s *Simulator) Inject(f Fault) {
	if err := f.validate(); err != nil {
		panic("ehpcsim: " + err.Error())
	}
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
}

// SetFaults replaces everything that goes wrong.
func (s *Simulator) SetFaults(faults Faults) {
	s.mu.Lock()
	s.faults = nil
	s.listedAfter = faults.ListLate
	s.quota = nil
	if faults.Quota > 0 {
		s.quota = rate.NewLimiter(rate.Limit(faults.Quota), max(int(faults.Quota), 1))
	}
	s.mu.Unlock()
	for _, fault := range faults.Faults {
		s.Inject(fault)
	}
}

// String says in a few words what goes wrong, such as "ConflictOpt" or "drop after".
func (f Fault) String() string {
	var words []string
	for word, set := range map[string]bool{
		f.Code: f.Code != "", "drop " + string(f.Drop): f.Drop != NoDrop, "body " + string(f.Body): f.Body != WholeBody,
		"twice": f.Twice, "delay": f.Delay > 0,
	} {
		if set {
			words = append(words, word)
		}
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}

// arrive counts a request and takes the fault that hits it.
func (s *Simulator) arrive(params url.Values) Fault {
	action := params.Get("Action")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests[action]++
	for i, fault := range s.faults {
		if !fault.fits(action, params) {
			continue
		}
		hit := *fault
		s.faultsHit[hit.String()]++
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

func (f *Fault) fits(action string, params url.Values) bool {
	if f.Action != "" && f.Action != action {
		return false
	}
	if f.Node != "" {
		ids, _ := instanceIDs(params) // those that cannot be read name no node
		if !slices.ContainsFunc(ids, func(id instanceID) bool { return id.value == f.Node }) {
			return false
		}
	}
	return f.Probability == 0 || rand.Float64() < f.Probability //nolint:gosec // chance, not secrecy
}

func (f Fault) failure() *apiError {
	switch f.Code {
	case "":
		return nil
	case "InvalidParams":
		return invalid("Injected")
	}
	return fail(f.Code)
}

// overQuota answers as the gateway does when the account asks too much.
func (s *Simulator) overQuota() *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.quota == nil || s.quota.Allow() {
		return nil
	}
	s.throttled++
	wait := s.quota.Reserve()
	left := wait.Delay().Milliseconds()
	wait.Cancel()
	failure := fail("Throttling.User")
	failure.header = map[string]string{
		"x-ratelimit-user": fmt.Sprintf("Limit:%d,Remain:0,TimeLeft:%d,Reset:0", s.quota.Burst(), left),
	}
	return failure
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
