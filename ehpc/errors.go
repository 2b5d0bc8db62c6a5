package ehpc

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"ehpcflow/ehpc/catalogue"
)

// maxMessage bounds the service's part of an error text, in characters.
const maxMessage = 400

// Error is every error of a call. Its text names the action, cluster, command and
// request id, and never a URL, key, signature or token.
type Error struct {
	Action    string
	ClusterID string
	CommandID string

	Code       string        // the service's, or one of the catalogue's own
	Message    string        // what the service or the network said, cleaned
	HTTPStatus int           // 0 unless the service answered with an error
	RequestID  string        // "" when the answer held none
	RetryAfter time.Duration // see Judgement

	cause error // clean; see transportFailure
}

// Error reads "InvokeShellCommand on cluster C: ConflictOpt (HTTP 403): a
// conflicting operation is running [request R]; <advice>".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Action)
	if e.ClusterID != "" {
		b.WriteString(" on cluster " + clean(e.ClusterID))
	}
	if e.CommandID != "" {
		b.WriteString(", command " + clean(e.CommandID))
	}
	b.WriteString(": " + e.Code)
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, " (HTTP %d)", e.HTTPStatus)
	}
	if e.Message != "" {
		b.WriteString(": " + strings.TrimRight(e.Message, ". "))
	}
	if e.RequestID != "" {
		b.WriteString(" [request " + e.RequestID + "]")
	}
	advice := catalogue.Find(e.Code, e.HTTPStatus).Advice
	b.WriteString("; " + strings.ReplaceAll(advice, "<action>", e.Action))
	return b.String()
}

// Unwrap gives the network's or the context's error, without any URL.
func (e *Error) Unwrap() error { return e.cause }

// Is makes errors.Is(err, &Error{Code: "ConflictOpt"}) compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// subject is what a call was about, for its errors.
type subject struct {
	action, clusterID, commandID string

	// secrets of the request beside the credential's.
	secrets []string
}

func (s subject) failure(code, message string, cause error) *Error {
	return &Error{
		Action: s.action, ClusterID: s.clusterID, CommandID: s.commandID,
		Code: code, Message: message, cause: cause,
	}
}

// badRequest refuses a call before it is sent.
func (s subject) badRequest(problem string) *Error {
	return s.failure(catalogue.BadRequest, problem, nil)
}

// unusable refuses an answer that lacks what matters.
func unusable(req request, problem string) *Error {
	if m := req.counted(); m != nil {
		m.unusable(req.subject().action)
	}
	return req.subject().failure(catalogue.BadResponse, problem, nil)
}

// transportFailure sorts an error of net/http. Without a connection (connected
// is false after a refused dial, an unknown host, a bad certificate) nothing was
// sent. *url.Error prints the whole URL, with key, signature, token and command,
// so only what it wraps is kept; that can still quote a line that the other side
// sent back, and is no cause then.
func (s subject) transportFailure(ctx context.Context, err error, connected bool, secrets func() []string) *Error {
	var inURL *url.Error
	for errors.As(err, &inURL) {
		err = inURL.Err
	}
	if ctx.Err() != nil {
		err = ctx.Err() // net/http gives the cause instead, in the canceller's words
	}
	message := clean(redact(err.Error(), secrets()))
	cause := err
	if message != err.Error() {
		cause = nil
	}
	var timeout net.Error
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, context.Canceled):
		return s.failure(catalogue.Canceled, "the call was given up", err)
	case !connected && errors.As(err, &certificate):
		return s.failure(catalogue.Untrusted, message, cause)
	case !connected:
		return s.failure(catalogue.Unreachable, message, cause)
	case errors.As(err, &timeout) && timeout.Timeout():
		return s.failure(catalogue.Timeout, "no whole answer in time", cause)
	default:
		return s.failure(catalogue.ConnectionLost, message, cause)
	}
}

// errorBody is the service's error answer. Proxies and mocks send other types,
// so every field is read as whatever scalar it is.
type errorBody struct {
	Code      scalar
	Message   scalar
	RequestID scalar `json:"RequestId"`
	CommandID scalar `json:"CommandId"`
}

// serviceFailure judges an answer by status and body: nil means success. A 200
// that carries a Code is an error too, unless it names a command: one that was
// accepted must not be taken for one that was refused.
func (s subject) serviceFailure(resp *http.Response, body []byte, secrets func() []string) *Error {
	status := resp.StatusCode
	succeeded := status >= 200 && status < 300
	if succeeded && !codeKey.Match(body) {
		return nil
	}
	var answer errorBody
	malformed := json.Unmarshal(unwrapped(body), &answer) != nil
	if succeeded && (malformed || answer.Code == "" || answer.CommandID != "") {
		return nil
	}
	hidden := secrets()
	code := plainCode(redact(string(answer.Code), hidden))
	message := string(answer.Message)
	if code == "" || malformed {
		code = catalogue.HTTPCode(status)
		message = "an error answer without a code of the service"
	}
	failure := s.failure(code, clean(redact(message, hidden)), nil)
	failure.HTTPStatus = status
	failure.RetryAfter = retryAfter(resp.Header, time.Now())
	failure.RequestID = clean(redact(string(answer.RequestID), hidden))
	return failure
}

var codeKey = regexp.MustCompile(`"[Cc]ode"`)

// plainCode accepts what the service's codes look like; anything else could not
// be matched and might break the places that show it.
func plainCode(code string) string {
	for _, r := range code {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '_' && r != '-' {
			return ""
		}
	}
	if len(code) > 100 {
		return ""
	}
	return code
}

// clean makes one bounded, printable line of text from outside.
func clean(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if runes := []rune(text); len(runes) > maxMessage {
		return string(runes[:maxMessage]) + "…"
	}
	return text
}
