package e2e

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
)

// gate stands between workers and a simulator and treats the first submit of each
// run in a test's own way. Everything else passes. It knows runs by the mark in
// their commands.
type gate struct {
	*httptest.Server
	simulator http.Handler
	first     treatment

	mu       sync.Mutex
	submits  map[string]int // that came, by mark
	held     map[string]bool
	again    map[string]chan struct{} // closed when the run's second submit comes
	commands []string                 // ids that the service gave to first submits
	opened   chan struct{}            // lets what is held go on
	open     func()
}

// treatment is what happens to a first submit.
type treatment func(*passage)

// passage is a first submit at a gate.
type passage struct {
	gate *gate
	mark string
	w    http.ResponseWriter
	r    *http.Request
}

func newGate(t *testing.T, simulator http.Handler, first treatment) *gate {
	t.Helper()
	g := &gate{
		simulator: simulator, first: first, opened: make(chan struct{}),
		submits: make(map[string]int), held: make(map[string]bool), again: make(map[string]chan struct{}),
	}
	g.open = sync.OnceFunc(func() { close(g.opened) })
	g.Server = httptest.NewServer(g)
	t.Cleanup(func() {
		g.open()
		g.CloseClientConnections()
		g.Close()
	})
	return g
}

var markInCommand = regexp.MustCompile(`run-of-test-\d+`)

// markOf is the mark of a test's run, by its number.
func markOf(number int) string { return "run-of-test-" + strconv.Itoa(1000+number) }

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	mark := markInCommand.FindString(query.Get("Command"))
	if query.Get("Action") != "InvokeShellCommand" || mark == "" {
		g.simulator.ServeHTTP(w, r)
		return
	}
	switch g.arrive(mark) {
	case 1:
		g.first(&passage{g, mark, w, r})
		return
	case 2:
		close(g.secondOf(mark))
	}
	g.simulator.ServeHTTP(w, r)
}

func (g *gate) arrive(mark string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.submits[mark]++
	return g.submits[mark]
}

func (g *gate) secondOf(mark string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.again[mark] == nil {
		g.again[mark] = make(chan struct{})
	}
	return g.again[mark]
}

// submitsOf counts the submits of a run.
func (g *gate) submitsOf(mark string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.submits[mark]
}

// arrivals counts the runs whose first submit has come so far.
func (g *gate) arrivals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.submits)
}

// holds counts the runs whose first submit was held so far.
func (g *gate) holds() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.held)
}

// answered are the ids of the commands that first submits started.
func (g *gate) answered() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.commands)
}

var commandInAnswer = regexp.MustCompile(`"CommandId":"([^"]+)"`)

// deliver lets the service do it, whether or not the client is still there, and
// returns the answer.
func (p *passage) deliver() *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	p.gate.simulator.ServeHTTP(answer, p.r.Clone(context.WithoutCancel(p.r.Context())))
	if id := commandInAnswer.FindSubmatch(answer.Body.Bytes()); id != nil {
		p.gate.mu.Lock()
		defer p.gate.mu.Unlock()
		p.gate.commands = append(p.gate.commands, string(id[1]))
	}
	return answer
}

// hold keeps it until the gate is opened or the client is gone.
func (p *passage) hold() {
	p.gate.mu.Lock()
	p.gate.held[p.mark] = true
	p.gate.mu.Unlock()
	select {
	case <-p.gate.opened:
	case <-p.r.Context().Done():
	}
}

func (p *passage) drop() { panic(http.ErrAbortHandler) }

// say answers with these bytes of the length that is promised.
func (p *passage) say(answer *httptest.ResponseRecorder, body []byte, length int) {
	maps.Copy(p.w.Header(), answer.Header())
	p.w.Header().Set("Content-Length", strconv.Itoa(length))
	p.w.WriteHeader(answer.Code)
	_, _ = p.w.Write(body) // a client that has gone away is its own business
}

// What can happen to a submit and its answer.

func letPass(p *passage) {
	answer := p.deliver()
	p.say(answer, answer.Body.Bytes(), answer.Body.Len())
}

func holdTheRequest(p *passage) { p.hold(); p.drop() }

func holdTheAnswer(p *passage) {
	answer := p.deliver()
	p.hold()
	p.say(answer, answer.Body.Bytes(), answer.Body.Len())
}

func dropTheRequest(p *passage) { p.drop() }

func dropTheAnswer(p *passage) { p.deliver(); p.drop() }

func cutTheAnswer(p *passage) {
	answer := p.deliver()
	p.say(answer, answer.Body.Bytes()[:answer.Body.Len()/2], answer.Body.Len())
}

func doubleTheAnswer(p *passage) {
	answer := p.deliver()
	p.say(answer, bytes.Repeat(answer.Body.Bytes(), 2), 2*answer.Body.Len())
}

func delayTheAnswer(p *passage) {
	p.deliver()
	p.hold() // nobody opens the gate: the client gives up
}

// delayTheRequest until the run has submitted again, and lets it arrive before
// that second one.
func delayTheRequest(p *passage) {
	select {
	case <-p.gate.secondOf(p.mark):
		p.deliver()
	case <-p.gate.opened:
	}
}
