package activities

import (
	"context"
	"sync"

	"go.temporal.io/sdk/worker"
)

// places are those of a Watcher. They are also the slots of its worker, which asks
// Temporal for another watch only when there is a place: while one worker is full,
// others are given what comes. They satisfy worker.SlotSupplier.
type places struct {
	most int

	mu    sync.Mutex
	taken int // by watches, and by polls that may bring one
	given *sync.Cond
}

func newPlaces(most int) *places {
	p := &places{most: most}
	p.given = sync.NewCond(&p.mu)
	return p
}

// ReserveSlot waits for a place.
func (p *places) ReserveSlot(ctx context.Context, _ worker.SlotReservationInfo) (*worker.SlotPermit, error) {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.given.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.taken >= p.most {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		p.given.Wait()
	}
	p.taken++
	return &worker.SlotPermit{}, nil
}

// TryReserveSlot takes a place if there is one.
func (p *places) TryReserveSlot(worker.SlotReservationInfo) *worker.SlotPermit {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken >= p.most {
		return nil
	}
	p.taken++
	return &worker.SlotPermit{}
}

// MarkSlotUsed changes nothing.
func (*places) MarkSlotUsed(worker.SlotMarkUsedInfo) {}

// ReleaseSlot gives a place free: a poll brought nothing, or its activity has begun a
// watch, which then has taken a place of its own.
func (p *places) ReleaseSlot(worker.SlotReleaseInfo) { p.give() }

// MaxSlots is how many places there are.
func (p *places) MaxSlots() int { return p.most }

// take takes a place for a watch whose activity still has one.
func (p *places) take() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken++
}

func (p *places) give() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
	p.given.Signal()
}
