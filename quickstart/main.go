// Command quickstart starts a whole ehpcflow on this machine, with nothing but
// Go: Temporal with its Web UI, a simulated cluster whose nodes really run
// commands, and a worker; then it runs a command and shows what became of it.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
