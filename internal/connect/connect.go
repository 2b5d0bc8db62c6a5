// Package connect connects a program to Temporal by the environment and the
// profile file that all Temporal tools share (TEMPORAL_ADDRESS and friends).
package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ehpcflow/internal/encryption"
)

// patience bounds the first connection.
const patience = 5 * time.Second

// UnreachableError says that Temporal, or the worker behind it, does not answer,
// and what to do.
type UnreachableError struct{ Message string }

func (e *UnreachableError) Error() string { return e.Message }

// ConfigError says that the settings of the connection cannot be used.
type ConfigError struct{ Message string }

func (e *ConfigError) Error() string { return e.Message }

// Temporal connects, or says within a few seconds that it cannot. The client encrypts and
// decrypts with the keys that encryption.Setting names.
func Temporal(ctx context.Context, logger log.Logger) (client.Client, client.Options, error) {
	return TemporalWith(ctx, logger, func(*client.Options) {})
}

// TemporalWith is Temporal with options beside those of the connection.
func TemporalWith(ctx context.Context, logger log.Logger, with func(*client.Options)) (client.Client, client.Options, error) {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return nil, options, &ConfigError{fmt.Sprintf("the Temporal settings cannot be used: %v; see the TEMPORAL_ variables and the profile file", err)}
	}
	if options.HostPort == "" {
		options.HostPort = client.DefaultHostPort
	}
	if options.Namespace == "" {
		options.Namespace = client.DefaultNamespace
	}
	options.Logger = logger
	if err := checkSecrets(ctx, options); err != nil {
		return nil, options, err
	}
	keys, err := encryption.FromEnvironment()
	if err != nil {
		return nil, options, &ConfigError{err.Error()}
	}
	encrypting, err := encryption.DialOption(keys)
	if err != nil {
		return nil, options, err
	}
	options.ConnectionOptions.DialOptions = append(options.ConnectionOptions.DialOptions, encrypting)
	with(&options)

	dialing, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := client.DialContext(dialing, options)
	if err != nil && ctx.Err() != nil {
		return nil, options, ctx.Err()
	}
	if err != nil {
		if refused := refusal(err, options); refused != nil {
			return nil, options, refused
		}
		if wrong := tlsTrouble(ctx, options); wrong != nil {
			return nil, options, wrong
		}
		return nil, options, &UnreachableError{fmt.Sprintf(
			"no Temporal server answers at %s (%s): start one, or set TEMPORAL_ADDRESS", options.HostPort, dialReason(ctx, err, options.HostPort))}
	}
	return c, options, nil
}

// noAddress is all that gRPC says of a name that it cannot look up.
const noAddress = "no children to pick from"

func dialReason(ctx context.Context, err error, address string) string {
	text := reason(err)
	if !strings.Contains(text, noAddress) {
		return text
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return "its address is not HOST:PORT"
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return err.Error()
	}
	return "the name " + host + " could not be looked up"
}

// Explain turns an error of a Temporal call into one for people; others pass
// unchanged. A call that was given up is context.Canceled.
func Explain(err error, options client.Options) error {
	var noNamespace *serviceerror.NamespaceNotFound
	var canceled *serviceerror.Canceled
	var answer serviceerror.ServiceError
	switch {
	case errors.As(err, &canceled):
		return context.Canceled
	case encryption.Unreadable(err):
		return &ConfigError{err.Error()}
	case errors.As(err, &noNamespace):
		return &ConfigError{fmt.Sprintf("namespace %q does not exist on the Temporal server at %s: create it, or set TEMPORAL_NAMESPACE",
			options.Namespace, options.HostPort)}
	case Transient(err):
		return &UnreachableError{fmt.Sprintf("the Temporal server at %s does not answer (%s)", options.HostPort, reason(err))}
	case errors.As(err, &answer):
		return &UnreachableError{fmt.Sprintf("the Temporal server at %s refuses (%v): %s", options.HostPort, err, remedy(answer))}
	}
	return err
}

func remedy(answer serviceerror.ServiceError) string {
	switch answer.Status().Code() {
	case codes.PermissionDenied, codes.Unauthenticated:
		return "check TEMPORAL_API_KEY or the TLS settings, and what they are allowed to do in the namespace"
	default:
		return "try again, or look at the server's log"
	}
}

// Transient says that a Temporal call failed in a way that may pass.
func Transient(err error) bool {
	var unavailable *serviceerror.Unavailable
	var deadline *serviceerror.DeadlineExceeded
	return errors.As(err, &unavailable) || errors.As(err, &deadline) || errors.Is(err, context.DeadlineExceeded)
}

func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	switch s, ok := status.FromError(errors.Unwrap(err)); {
	case ok && s.Code() == codes.DeadlineExceeded:
		return "no answer in time"
	case ok:
		err = s.Err()
	}
	text := err.Error()
	if i := strings.LastIndex(text, "while dialing: "); i >= 0 {
		text = strings.TrimRight(text[i+len("while dialing: "):], `"`)
	}
	return text
}
