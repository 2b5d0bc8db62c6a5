package encryption

import (
	"errors"
	"fmt"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// FileError says why a key file cannot be used, and what to do. It never holds a key.
type FileError struct{ Message string }

func (e *FileError) Error() string { return e.Message }

// UnreadableError says that a payload cannot be decrypted with the keys at hand, and
// what to do. It names the key and holds neither the key nor the payload.
type UnreadableError struct {
	KeyID  string // that encrypted the payload
	file   string
	reason reason
}

type reason int

const (
	noKeys reason = iota
	noSuchKey
	doesNotFit
)

func (e *UnreadableError) Error() string {
	switch e.reason {
	case noKeys:
		return fmt.Sprintf("this is encrypted with key %q, and %s is not set: set it to a key file that holds the key", e.KeyID, Setting)
	case noSuchKey:
		return fmt.Sprintf("this is encrypted with key %q, which the key file %s does not hold: put the key back, or name a file that holds it in %s", e.KeyID, e.file, Setting)
	case doesNotFit:
		return fmt.Sprintf("this is encrypted with key %q and does not open with the key of that id in %s: it was altered, or the file holds another key under the id", e.KeyID, e.file)
	}
	return "this cannot be decrypted"
}

// errorDomain marks the status of an UnreadableError, which is all that the SDK's client
// lets through of an error.
const errorDomain = "encryption.ehpcflow"

// GRPCStatus makes of it a failure of the call that is not tried again.
func (e *UnreadableError) GRPCStatus() *status.Status {
	plain := status.New(codes.FailedPrecondition, e.Error())
	marked, err := plain.WithDetails(&errdetails.ErrorInfo{Domain: errorDomain, Reason: "UNREADABLE"})
	if err != nil {
		return plain
	}
	return marked
}

// Unreadable says of the error of a Temporal call whether it is an UnreadableError.
func Unreadable(err error) bool {
	var unreadable *UnreadableError
	if errors.As(err, &unreadable) {
		return true
	}
	told, _ := status.FromError(err) // what an interceptor leaves of it
	var answer serviceerror.ServiceError
	if errors.As(err, &answer) {
		told = answer.Status()
	}
	for _, detail := range told.Details() {
		if info, is := detail.(*errdetails.ErrorInfo); is && info.GetDomain() == errorDomain {
			return true
		}
	}
	return false
}
