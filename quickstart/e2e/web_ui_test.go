package e2e

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ehpcflow/quickstart/devserver"
)

// webUI is Temporal's Web UI in a process of its own: this test's program once more,
// told so by these variables.
type webUI struct {
	t        *testing.T
	temporal string
	port     int
	process  *exec.Cmd
}

const (
	webUIPort     = "E2E_WEB_UI_PORT"
	webUITemporal = "E2E_WEB_UI_TEMPORAL"
)

func init() {
	if port := os.Getenv(webUIPort); port != "" {
		if err := serveWebUI(port); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
}

func serveWebUI(port string) error {
	number, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	ui, err := devserver.StartUI(os.Getenv(webUITemporal), number, "")
	if err != nil {
		return err
	}
	<-askedToEnd()
	ui.Stop()
	return nil
}

func newWebUI(t *testing.T, temporal string) *webUI {
	t.Helper()
	ui := &webUI{t: t, temporal: temporal, port: steadyPort(t)}
	ui.start()
	return ui
}

func (ui *webUI) start() {
	ui.t.Helper()
	program, err := os.Executable()
	require.NoError(ui.t, err)
	env := environment{webUIPort: strconv.Itoa(ui.port), webUITemporal: ui.temporal}
	ui.process, _ = backgroundOf(ui.t, env, program)
	await(ui.t, time.Minute, "the Web UI answers", func() bool { return ui.get("/healthz") == http.StatusOK })
}

func (ui *webUI) restart() {
	ui.t.Helper()
	require.NoError(ui.t, ui.process.Process.Kill())
	require.Error(ui.t, ui.process.Wait())
	ui.start()
}

// get is the status of a page, or 0 without an answer.
func (ui *webUI) get(path string) int {
	resp, err := http.Get("http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(ui.port)) + path)
	if err != nil {
		return 0
	}
	_ = resp.Body.Close() // its status is all
	return resp.StatusCode
}
