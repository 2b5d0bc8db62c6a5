package webui

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

// pagePatience is how long a page may take to show something, on a busy machine.
const pagePatience = time.Minute

// browser is a tab of a headless Chromium.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// openBrowser opens one. Without a Chromium the test is skipped, except in CI.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			program = found
			break
		}
	}
	if program == "" {
		const reason = "no chromium, chromium-browser or google-chrome is installed: the Web UI is not looked at (on Debian: apt-get install chromium)"
		if os.Getenv("CI") != "" {
			t.Fatal(reason)
		}
		t.Skip(reason)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.Headless, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.WindowSize(1500, 1100), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	require.NoError(t, chromedp.Do(ctx, chromedp.EmulateViewport(1500, 1100)))
	return &browser{t, ctx}
}

func (b *browser) open(url string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, chromedp.Navigate(url)))
}

// columns chooses the columns of the list of runs, as a person does in its settings.
func (b *browser) columns(labels ...string) {
	b.t.Helper()
	var columns []map[string]string
	for _, label := range labels {
		columns = append(columns, map[string]string{"label": label})
	}
	text, err := json.Marshal(map[string]any{"default": columns})
	require.NoError(b.t, err)
	b.evaluate(fmt.Sprintf("localStorage.setItem('namespace-workflow-table-columns', %q); ''", text))
}

// visible is the text that can be seen: of the page, of the pictures and of the frames in
// it, in which the Web UI shows Markdown.
func (b *browser) visible() string {
	b.t.Helper()
	return b.evaluate(`(() => {
		if (!document.body) return '';
		const texts = [document.body.innerText];
		for (const text of document.querySelectorAll('svg text')) texts.push(text.textContent);
		for (const frame of document.querySelectorAll('iframe')) texts.push(frame.contentDocument?.body?.innerText ?? '(a frame that cannot be read)');
		return texts.join('\n');
	})()`)
}

func (b *browser) evaluate(script string) string {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
	require.NoError(b.t, err)
	return text
}

// sees waits until everything can be seen, in spite of line breaks, and keeps a picture
// of the page, also when it cannot.
func (b *browser) sees(picture string, wanted ...string) string {
	b.t.Helper()
	defer b.keep(picture)
	text := ""
	missing := func() []string {
		text = strings.Join(strings.Fields(b.visible()), " ")
		var missing []string
		for _, want := range wanted {
			if !strings.Contains(text, want) {
				missing = append(missing, want)
			}
		}
		return missing
	}
	seen := func() bool { return len(missing()) == 0 }
	if deadline := time.Now().Add(pagePatience); !seen() {
		tick := time.NewTicker(300 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if seen() || time.Now().After(deadline) {
				break
			}
		}
	}
	require.Empty(b.t, missing(), "cannot be seen on the page, which shows: %s", text)
	return text
}

// keep writes a picture of the page to the artefacts.
func (b *browser) keep(name string) {
	b.t.Helper()
	dir := os.Getenv("EHPCFLOW_ARTIFACTS")
	if dir == "" {
		dir = filepath.Join("..", "artifacts")
	}
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	ctx, cancel := context.WithTimeout(b.ctx, pagePatience)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o644))
}
