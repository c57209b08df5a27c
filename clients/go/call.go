package hatd

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

const (
	// retryBase bounds the first delay between two attempts of one call.
	retryBase = 50 * time.Millisecond
	// retryMax bounds every delay between two attempts of one call, unless the server asks for more.
	retryMax = 2 * time.Second
)

// A method is an RPC of a stub.
type method[Q, P any] func(context.Context, Q, ...grpc.CallOption) (P, error)

// read makes a call that reads.
func read[Q, P any](ctx context.Context, c *Client, method method[Q, P], request Q) (P, error) {
	response, err := call(ctx, c, c.readTimeout, method, request)
	if err != nil {
		return response, err
	}
	return response, nil
}

// write makes a call that writes. Its request id is set before the first attempt, so that the attempts
// are one write.
func write[Q interface {
	proto.Message
	GetRequestId() string
}, P any](ctx context.Context, c *Client, method method[Q, P], request Q) (P, error) {
	if request.GetRequestId() == "" {
		request = with(request, "request_id", newRequestID())
	}
	response, err := call(ctx, c, c.writeTimeout, method, request)
	if err != nil {
		err.RequestID = request.GetRequestId()
		return response, err
	}
	return response, nil
}

// call makes a call, again and again while the server is unavailable and there is time.
func call[Q, P any](
	ctx context.Context, c *Client, timeout time.Duration, method method[Q, P], request Q,
) (P, *Error) {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })()
	deadline, _ := ctx.Deadline()

	delays := backoff{base: retryBase, max: retryMax}
	mayRefresh := true
	var last *Error
	for {
		response, key, failure := attempt(ctx, c, method, request)
		switch {
		case failure == nil:
			return response, nil
		case failure.Code == codes.Unauthenticated && mayRefresh && c.key.refuse(key):
			mayRefresh = false
			continue
		case failure.Code == codes.DeadlineExceeded && last != nil:
			failure.Message += ", and before that: " + last.Message
			failure.cause = last
			return response, failure
		case failure.Code != codes.Unavailable:
			return response, failure
		}

		delay := delays.delay(failure.RetryDelay)
		// A wait past the deadline helps nobody: what happened says more than a late timeout.
		if time.Until(deadline) <= delay {
			return response, failure
		}
		last = failure
		if failure := sleep(ctx, delay); failure != nil {
			return response, failure
		}
	}
}

// attempt makes a call once, and returns the API key it carried.
func attempt[Q, P any](
	ctx context.Context, c *Client, method method[Q, P], request Q,
) (response P, key string, failure *Error) {
	outgoing, key, failure := c.key.sign(ctx)
	if failure == nil {
		var err error
		if response, err = method(outgoing, request); err == nil {
			return response, key, nil
		}
		failure = statusError(err)
	}
	// The transport tells of what is done or closed in words of its own.
	switch {
	case c.ctx.Err() != nil:
		failure = closedError()
	case ctx.Err() != nil:
		failure = contextError(ctx)
	}
	return response, key, failure
}

// sleep waits, and returns an error if the context was done before.
func sleep(ctx context.Context, delay time.Duration) *Error {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// with returns a shallow copy of a message with one field set.
func with[M proto.Message](message M, field protoreflect.Name, value any) M {
	clone := shallowCopy(message)
	fields := clone.ProtoReflect().Descriptor().Fields()
	clone.ProtoReflect().Set(fields.ByName(field), protoreflect.ValueOf(value))
	return clone
}

// shallowCopy returns a copy of a message that shares what its fields hold: fields of the copy may be
// set, and nothing under them.
func shallowCopy[M proto.Message](message M) M {
	source := message.ProtoReflect()
	clone := source.New()
	source.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		clone.Set(field, value)
		return true
	})
	clone.SetUnknown(source.GetUnknown())
	return clone.Interface().(M)
}

// newRequestID returns a random UUID (RFC 9562, section 5.4).
func newRequestID() string {
	var id [16]byte
	rand.Read(id[:])
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
