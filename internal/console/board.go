package console

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// board is a block of lines at the end of a terminal that are drawn anew all the time.
type board struct {
	out    io.Writer
	screen *mpb.Progress
	close  sync.Once
	mu     sync.Mutex // over what the lines are made of
	bars   []*mpb.Bar
}

func newBoard(out io.Writer) *board {
	return &board{out: out, screen: mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(120*time.Millisecond), mpb.WithAutoRefresh())}
}

// addLine adds a line whose text is asked for at each refresh, under the lock.
func (b *board) addLine(text func() string) {
	bar, err := b.screen.Add(0, nil, mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
		b.mu.Lock()
		defer b.mu.Unlock()
		return text()
	})))
	if err == nil { // it is closed otherwise
		b.bars = append(b.bars, bar)
	}
}

// above writes a line that stays above the board.
func (b *board) above(text string) { fmt.Fprintln(b.screen, printable(text)) }

// Close leaves the last picture on the screen. It may be called twice.
func (b *board) Close() {
	b.close.Do(func() {
		for _, bar := range b.bars {
			bar.SetTotal(-1, true)
		}
		b.screen.Wait()
		fmt.Fprintln(b.out)
	})
}
