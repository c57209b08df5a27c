package hatd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// errorDomain is the domain of hatd's google.rpc.ErrorInfo: reasons of another domain are not hatd's.
const errorDomain = "hatd.v1"

// A Reason says why hatd refused a call, in the contract's words. It is an error, so that
// [errors.Is] finds it in an [Error]. The contract's ErrorReason says when each comes, and with which
// metadata.
type Reason string

// Error returns the reason's name.
func (r Reason) Error() string { return "hatd: " + string(r) }

// The reasons of the contract, by gRPC code. A server newer than this package may have others.
const (
	// NOT_FOUND.

	ErrRoomNotFound      Reason = "ROOM_NOT_FOUND"      // no such room
	ErrUserNotAffiliated Reason = "USER_NOT_AFFILIATED" // the user is an outcast, or has neither an affiliation nor hats left
	ErrHatNotDefined     Reason = "HAT_NOT_DEFINED"     // the room's catalogue lacks the hat
	ErrHatNotFound       Reason = "HAT_NOT_FOUND"       // the user does not have the hat

	// INVALID_ARGUMENT.

	ErrInvalidRoomJID   Reason = "INVALID_ROOM_JID"   // not the bare JID of a room
	ErrInvalidUserJID   Reason = "INVALID_USER_JID"   // not the bare JID of a user
	ErrInvalidHatID     Reason = "INVALID_HAT_ID"     // not an absolute URI, or too long
	ErrInvalidTitle     Reason = "INVALID_TITLE"      // a title is too long, or cannot be displayed safely
	ErrInvalidField     Reason = "INVALID_FIELD"      // another field is missing, out of range, or beyond a limit
	ErrInvalidPageToken Reason = "INVALID_PAGE_TOKEN" // not a page token of this list
	ErrInvalidToken     Reason = "INVALID_TOKEN"      // not a token, damaged, or of a watch with other selectors
	ErrRequestIDReused  Reason = "REQUEST_ID_REUSED"  // the request id was used for another request

	// FAILED_PRECONDITION.

	ErrHatRequired          Reason = "HAT_REQUIRED"            // its user can neither doff nor discard the hat
	ErrHatNotSelfAssignable Reason = "HAT_NOT_SELF_ASSIGNABLE" // the hat's definition does not let users claim it
	ErrPreconditionFailed   Reason = "PRECONDITION_FAILED"     // a precondition of UpdateRoomHats does not hold
	ErrSyncWouldRemove      Reason = "SYNC_WOULD_REMOVE"       // the sync would remove more hats than it allows
	ErrStoreMismatch        Reason = "STORE_MISMATCH"          // the token is of another store, or of another history of this one

	// ABORTED.

	ErrEtagMismatch Reason = "ETAG_MISMATCH" // the record has changed since the etag was read

	// OUT_OF_RANGE.

	ErrResumeTokenExpired Reason = "RESUME_TOKEN_EXPIRED" // the position is no longer kept, and the watch asked to fail then

	// RESOURCE_EXHAUSTED.

	ErrTooManyHats        Reason = "TOO_MANY_HATS"        // the user would have too many hats in the room, or too many bytes of them
	ErrTooManyDefinitions Reason = "TOO_MANY_DEFINITIONS" // the room would have too many definitions
	ErrTooManyWatches     Reason = "TOO_MANY_WATCHES"     // too many watches are open
	ErrMessageTooLarge    Reason = "MESSAGE_TOO_LARGE"    // the request is too large
	ErrOverloaded         Reason = "OVERLOADED"           // more calls are waiting than the server takes
	ErrDiskFull           Reason = "DISK_FULL"            // too little space on the disk to write

	// UNAUTHENTICATED and PERMISSION_DENIED.

	ErrUnauthenticated Reason = "UNAUTHENTICATED" // no valid credential
	ErrScopeDenied     Reason = "SCOPE_DENIED"    // the caller may not do this

	// UNAVAILABLE.

	ErrShuttingDown     Reason = "SHUTTING_DOWN"     // the server is shutting down
	ErrStoreUnavailable Reason = "STORE_UNAVAILABLE" // the store cannot be read, or takes no writes
	ErrTokenNotReached  Reason = "TOKEN_NOT_REACHED" // the server is still behind the at_least_token

	// DATA_LOSS.

	ErrStoreCorrupt Reason = "STORE_CORRUPT" // what is on the disk is damaged
)

var (
	// ErrClosed is found in the error of what was pending when its [Client], [Watch] or [Mirror] was
	// closed, and of what is asked of it later. The code is CANCELLED.
	ErrClosed = errors.New("closed")
	// ErrEnded is found in the error of a [Watch.Next] after the one whose error ended the watch for
	// good. The code is FAILED_PRECONDITION.
	ErrEnded = errors.New("the watch has ended")
	// ErrInvalidTarget is found in the error of a [Connect] to what is not an address, or is one
	// that may not be connected to without TLS. The code is INVALID_ARGUMENT.
	ErrInvalidTarget = errors.New("invalid target")
)

// An Error says why a call, a watch or a mirror failed. Every error of this package is one.
//
// Branch on what it is: with [errors.Is] on the reason, such as [ErrRoomNotFound], on [ErrClosed],
// or on [context.Canceled] and [context.DeadlineExceeded]; or on the code where any reason of it will
// do. The message is for people and may change.
//
// A write that ended with UNAVAILABLE, DEADLINE_EXCEEDED or CANCELLED may have been done all the
// same: do it again with RequestID as its request id, and it is done once.
type Error struct {
	// Code is the gRPC code. What never reached the server has the code that gRPC gives it.
	Code codes.Code
	// Reason is hatd's reason as it came, known to this package or not. Empty: hatd gave none.
	Reason Reason
	// Message says what happened, for people.
	Message string
	// Metadata says what the reason is about; the contract's ErrorReason names the keys of each.
	Metadata map[string]string
	// RequestID is the request id of the write that failed. Empty: it was no write.
	RequestID string
	// Violations are the fields of the request that are wrong.
	Violations []FieldViolation
	// Resource is what was not found. Nil: the server did not say.
	Resource *Resource
	// RetryDelay is how long the server asks to wait before trying again. Zero: it did not ask.
	RetryDelay time.Duration

	cause error
}

// A FieldViolation is a field of a request that is wrong.
type FieldViolation struct {
	// Field is the path of the field, such as "operations[3].add.hat_id".
	Field string
	// Description says what is wrong with it, for people.
	Description string
}

// A Resource is a thing that was not found.
type Resource struct {
	// Type is what kind of thing it is.
	Type string
	// Name is its name.
	Name string
}

// Error returns what happened, for people.
func (e *Error) Error() string {
	if e.Reason != "" {
		return fmt.Sprintf("hatd: %s: %s", e.Reason, e.Message)
	}
	return fmt.Sprintf("hatd: %s: %s", e.Code, e.Message)
}

// Is reports whether target is the reason of the error, or [context.Canceled] or
// [context.DeadlineExceeded] and the code says so, whichever side noticed.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded
	case context.Canceled:
		return e.Code == codes.Canceled && !errors.Is(e.cause, ErrClosed)
	}
	reason, ok := target.(Reason)
	return ok && reason != "" && reason == e.Reason
}

// Unwrap returns what lies under the error: the last failure before the time ran out, the cause of a
// cancelled context, [ErrClosed], [ErrEnded], [ErrInvalidTarget]. Nil: the server's answer is all.
func (e *Error) Unwrap() error { return e.cause }

// GRPCStatus returns code and message as a status, for [status.FromError] and [status.Code].
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// newError returns an error that this side made.
func newError(code codes.Code, cause error, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), cause: cause}
}

// closedError returns the error of what was pending when it was closed.
func closedError() *Error {
	return newError(codes.Canceled, ErrClosed, "closed")
}

// statusError returns the error of a status that a stub returned.
func statusError(err error) *Error {
	answer := status.Convert(err)
	e := &Error{Code: answer.Code(), Message: answer.Message()}
	if e.Message == "" {
		e.Message = "no message"
	}
	for _, detail := range answer.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				e.Reason, e.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				e.Violations = append(e.Violations, FieldViolation{
					Field:       violation.GetField(),
					Description: violation.GetDescription(),
				})
			}
		case *errdetails.ResourceInfo:
			e.Resource = &Resource{Type: detail.GetResourceType(), Name: detail.GetResourceName()}
		case *errdetails.RetryInfo:
			e.RetryDelay = max(0, detail.GetRetryDelay().AsDuration())
		}
	}
	return e
}

// contextError returns the error of a context that is done.
func contextError(ctx context.Context) *Error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrClosed):
		return closedError()
	case ctx.Err() == context.DeadlineExceeded:
		return newError(codes.DeadlineExceeded, cause, "the time ran out")
	default:
		return newError(codes.Canceled, cause, "%v", cause)
	}
}
