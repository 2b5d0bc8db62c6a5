package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Alerts with which a server that wants a client certificate ends a handshake, by their
// numbers in RFC 8446: of a connection, Go gives away their texts only.
var (
	alertBadCertificate      = tls.AlertError(42).Error()
	alertUnknownCA           = tls.AlertError(48).Error()
	alertCertificateRequired = tls.AlertError(116).Error()
)

// alertPatience is how long an alert may take that follows a handshake.
const alertPatience = time.Second

// checkSecrets refuses to send an API key, or what else lets in, in plain text.
func checkSecrets(ctx context.Context, options client.Options) error {
	if options.ConnectionOptions.TLS != nil {
		return nil
	}
	if options.Credentials != nil {
		return &ConfigError{"an API key is set and TLS is turned off, so that the key could be read on its way: " +
			"leave TEMPORAL_TLS (disabled, in the profile file) out, or TEMPORAL_API_KEY"}
	}
	if options.HeadersProvider == nil {
		return nil
	}
	headers, err := options.HeadersProvider.GetHeaders(ctx)
	if err != nil {
		return &ConfigError{fmt.Sprintf("the metadata of Temporal calls cannot be read: %v; see the TEMPORAL_GRPC_META_ variables and grpc_meta in the profile file", err)}
	}
	for name := range headers {
		if strings.EqualFold(name, "authorization") {
			return &ConfigError{"an authorization header is set and TLS is not turned on, so that the header could be read on its way: " +
				"set TEMPORAL_TLS=true, or leave TEMPORAL_GRPC_META_AUTHORIZATION (grpc_meta, in the profile file) out"}
		}
	}
	return nil
}

// refusal says what a server that answers refuses of the first call, nil when it does not
// refuse who calls.
func refusal(err error, options client.Options) error {
	code := status.Code(err)
	var answer serviceerror.ServiceError
	if errors.As(err, &answer) {
		code = answer.Status().Code()
	}
	if code != codes.PermissionDenied && code != codes.Unauthenticated {
		return nil
	}
	if options.Credentials == nil {
		return &UnreachableError{fmt.Sprintf("the Temporal server at %s does not let in who has no API key: set TEMPORAL_API_KEY, or api_key in the profile file", options.HostPort)}
	}
	return &UnreachableError{fmt.Sprintf("the Temporal server at %s refuses the API key: check TEMPORAL_API_KEY, or api_key in the profile file, and that it is of use in namespace %q", options.HostPort, options.Namespace)}
}

// tlsTrouble shakes hands with a server that could not be reached once more, and says what
// is wrong between it and the settings, nil when it is not that.
func tlsTrouble(ctx context.Context, options client.Options) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	config := options.ConnectionOptions.TLS
	if config == nil {
		if speaksTLS(ctx, options.HostPort) {
			return trouble(options, "it speaks TLS and the settings do not", "set TEMPORAL_TLS=true, or TEMPORAL_API_KEY or the other TEMPORAL_TLS_ settings that it wants")
		}
		return nil
	}
	err := shakeHands(ctx, options.HostPort, config)
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	alert, alerted := alertOf(err)
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return trouble(options, "its certificate is of an authority that is not trusted here", "name the CA's file in TEMPORAL_TLS_SERVER_CA_CERT_PATH")
	case errors.As(err, &name):
		return trouble(options, name.Error(), "set TEMPORAL_TLS_SERVER_NAME to a name of its certificate, or TEMPORAL_ADDRESS to one that it serves")
	case errors.As(err, &invalid):
		return trouble(options, invalid.Error(), "have it given a valid certificate, or set this machine's clock")
	case errors.As(err, &record):
		return trouble(options, "it does not speak TLS and the settings do", "leave TEMPORAL_API_KEY and the TEMPORAL_TLS_ settings out, or check the port in TEMPORAL_ADDRESS")
	case len(config.Certificates) == 0 && (alert == alertCertificateRequired || alert == alertBadCertificate):
		return trouble(options, "it wants a client certificate", "name its files in TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH")
	case alert == alertUnknownCA || alert == alertBadCertificate:
		return trouble(options, "it does not trust the client certificate", "name the files of one that it trusts in TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH")
	case alerted:
		return trouble(options, "it ends the TLS handshake: "+alert, "check the TEMPORAL_TLS_ settings")
	}
	return nil
}

func trouble(options client.Options, what, remedy string) error {
	return &UnreachableError{fmt.Sprintf("no connection with the Temporal server at %s (%s): %s", options.HostPort, what, remedy)}
}

// shakeHands waits a moment for what a server says of the client's certificate, which TLS
// 1.3 lets it say after the handshake.
func shakeHands(ctx context.Context, address string, config *tls.Config) error {
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	if err := conn.SetReadDeadline(time.Now().Add(alertPatience)); err != nil {
		return err
	}
	_, err = conn.Read(make([]byte, 1))
	return err
}

// alertOf is the text of the alert with which the server ended a connection.
func alertOf(err error) (string, bool) {
	var remote *net.OpError
	if !errors.As(err, &remote) || remote.Op != "remote error" {
		return "", false
	}
	return remote.Err.Error(), true
}

// speaksTLS says whether a server answers a handshake, whatever its certificate is.
func speaksTLS(ctx context.Context, address string) bool {
	err := shakeHands(ctx, address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // nothing is sent, only the tongue is asked
	var record tls.RecordHeaderError
	var network *net.OpError
	_, alerted := alertOf(err)
	switch {
	case err == nil, alerted:
		return true
	case errors.As(err, &record):
		return false
	case errors.As(err, &network):
		return network.Op == "read" && network.Timeout()
	}
	return false
}
