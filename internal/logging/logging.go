// Package logging makes the zap logger of a program and the adapter that gives it
// to Temporal's SDK.
package logging

import (
	"log/slog"
	"math"
	"os"

	"go.temporal.io/sdk/log"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
	"golang.org/x/term"
)

// The formats of a log.
const (
	Auto    = "auto"    // Console on a terminal, JSON elsewhere
	Console = "console" // lines for people
	JSON    = "json"    // an object a line, for machines
)

// Formats are the formats that there are.
var Formats = []string{Auto, Console, JSON}

// New logs to stderr from the level on, in the format of Auto.
func New(level zapcore.Level) (*zap.Logger, error) { return NewIn(Auto, level) }

// NewIn logs to stderr in one of the Formats from the level on.
func NewIn(format string, level zapcore.Level) (*zap.Logger, error) {
	config := zap.NewProductionConfig()
	config.EncoderConfig.EncodeTime = zapcore.RFC3339TimeEncoder
	if format == Console || format == Auto && term.IsTerminal(int(os.Stderr.Fd())) {
		config = zap.NewDevelopmentConfig()
		config.Development = false
		config.EncoderConfig.EncodeTime = zapcore.TimeEncoderOfLayout("15:04:05.000")
	}
	config.Level = zap.NewAtomicLevelAt(level)
	config.DisableStacktrace = true
	config.DisableCaller = true
	return config.Build()
}

// noStack is a level that nothing reaches: a stack trace of the SDK says nothing of
// the error that it logs.
const noStack = slog.Level(math.MaxInt)

// ForTemporal adapts a logger to the SDK.
func ForTemporal(logger *zap.Logger) log.Logger {
	return log.NewStructuredLogger(slog.New(zapslog.NewHandler(logger.Core(), zapslog.AddStacktraceAt(noStack))))
}
