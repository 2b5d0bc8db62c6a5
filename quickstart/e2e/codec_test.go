package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.uber.org/zap"

	"ehpcflow/internal/encryption"
	"ehpcflow/quickstart/devserver"
	"ehpcflow/quickstart/stack"
	"ehpcflow/workflows"
)

// startCodecServer starts the program for a Web UI, and returns its address.
func startCodecServer(t *testing.T, keyFile, origin string) string {
	t.Helper()
	said := &logBuffer{}
	cmd := exec.Command(filepath.Join(programs, "worker"), "codec-server", "--address", "127.0.0.1:0", "--origin", origin)
	cmd.Env = environment{encryption.Setting: keyFile}.list() // no credential and no Temporal address
	cmd.Stderr = said
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "it stops in order: %s", said)
	})
	var address []string
	await(t, 30*time.Second, "the codec server serves", func() bool {
		address = regexp.MustCompile(`decrypting at (http://\S+) for ` + origin).FindStringSubmatch(said.String())
		return address != nil
	})
	return address[1]
}

func TestTheWebUIShowsEncryptedRunsThroughTheCodecServer(t *testing.T) {
	t.Parallel()
	keyFile := newKeyFile(t)
	port := steadyPort(t)
	origin := fmt.Sprintf("http://127.0.0.1:%d", port)
	codec := startCodecServer(t, keyFile, origin)
	server, err := devserver.Start(devserver.Options{UIPort: port, CodecEndpoint: codec})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop()) })
	require.Equal(t, origin, server.UIURL())
	s := newSystemWith(t, stack.Options{Temporal: server.Address(), Pace: quickPace(), Logger: zap.NewNop(), Keys: readKeys(t, keyFile)})
	run := s.run(secretCommand)
	require.Equal(t, workflows.Succeeded, run.Verdict)

	t.Run("as the Web UI asks", func(t *testing.T) {
		payloads := rawHistories(t, server.Address())[0].Events[0].GetWorkflowExecutionStartedEventAttributes().GetInput()
		require.NotContains(t, payloads.String(), inCommand)
		body, err := json.Marshal(payloads)
		require.NoError(t, err)
		req, err := http.NewRequest(http.MethodPost, codec+"/decode", bytes.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Origin", origin)
		resp, err := http.DefaultClient.Do(req)
		require.NoError(t, err)
		defer resp.Body.Close() //nolint:errcheck // the test reads it whole
		require.Equal(t, http.StatusOK, resp.StatusCode)
		var decoded commonpb.Payloads
		require.NoError(t, json.NewDecoder(resp.Body).Decode(&decoded))
		require.Contains(t, string(decoded.GetPayloads()[0].GetData()), inCommand)
	})
	t.Run("in a browser", func(t *testing.T) {
		shown := browse(t, server.RunURL(run.RunID)+"/"+s.firstExecution(run.RunID)+"/history", "encrypted-run.png", inCommand, inOutput)
		require.Contains(t, shown, inCommand)
		require.Contains(t, shown, inOutput)
	})
}

// firstExecution is Temporal's id of the execution of a run.
func (s *system) firstExecution(id string) string {
	s.t.Helper()
	described, err := s.Client.DescribeWorkflowExecution(s.t.Context(), id, "")
	require.NoError(s.t, err)
	return described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}

// browse opens a page in a browser without a window, waits until it shows some texts, and
// returns what it shows. A picture is kept among the artefacts.
func browse(t *testing.T, url, picture string, texts ...string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("there is no chromium on this machine")
	}
	require.NoError(t, err)
	options := slices.Concat(chromedp.DefaultExecAllocatorOptions[:], []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.WindowSize(1400, 2000),
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	ctx, cancelAllocator := chromedp.NewExecAllocator(ctx, options...)
	defer cancelAllocator()
	ctx, cancelBrowser := chromedp.NewContext(ctx)
	defer cancelBrowser()

	_, err = chromedp.Run(ctx, chromedp.Navigate(url))
	require.NoError(t, err)
	var shown string
	await(t, 2*time.Minute, "the page shows "+strings.Join(texts, " and "), func() bool {
		if shown, err = chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`)); err != nil {
			return false
		}
		for _, text := range texts {
			if !strings.Contains(shown, text) {
				return false
			}
		}
		return true
	})
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	require.NoError(t, err)
	dir := os.Getenv("EHPCFLOW_ARTIFACTS")
	if dir == "" {
		dir = filepath.Join("..", "artifacts")
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, picture), png, 0o600))
	return shown
}
