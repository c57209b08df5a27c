package main

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go"
)

// sentinels are the reasons that the client has a name for.
var sentinels = []hatd.Reason{
	hatd.ErrRoomNotFound, hatd.ErrUserNotAffiliated, hatd.ErrHatNotDefined, hatd.ErrHatNotFound,
	hatd.ErrInvalidRoomJID, hatd.ErrInvalidUserJID, hatd.ErrInvalidHatID, hatd.ErrInvalidTitle,
	hatd.ErrInvalidField, hatd.ErrInvalidPageToken, hatd.ErrInvalidToken, hatd.ErrRequestIDReused,
	hatd.ErrHatRequired, hatd.ErrHatNotSelfAssignable, hatd.ErrPreconditionFailed,
	hatd.ErrSyncWouldRemove, hatd.ErrStoreMismatch, hatd.ErrEtagMismatch, hatd.ErrResumeTokenExpired,
	hatd.ErrTooManyHats, hatd.ErrTooManyDefinitions, hatd.ErrTooManyWatches, hatd.ErrMessageTooLarge,
	hatd.ErrOverloaded, hatd.ErrDiskFull, hatd.ErrUnauthenticated, hatd.ErrScopeDenied,
	hatd.ErrShuttingDown, hatd.ErrStoreUnavailable, hatd.ErrTokenNotReached, hatd.ErrStoreCorrupt,
}

// codeName returns a code's name as the gRPC specification writes it.
func codeName(code codes.Code) string {
	names := [...]string{
		"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
		"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED",
		"OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
	}
	if int(code) < len(names) {
		return names[code]
	}
	return "UNKNOWN"
}

// method returns a method of the client that takes a context and a request.
func (a *adapter) method(name string) (reflect.Value, error) {
	client, err := a.connected()
	if err != nil {
		return reflect.Value{}, err
	}
	method := reflect.ValueOf(client).MethodByName(name)
	if !method.IsValid() || method.Type().NumIn() != 2 {
		return reflect.Value{}, badCommandf("unknown method %q", name)
	}
	return method, nil
}

// invoke calls a method with the request of a command.
func invoke(ctx context.Context, method reflect.Value, c command) ([]reflect.Value, error) {
	request := reflect.New(method.Type().In(1).Elem())
	if err := decode(c.Request, request.Interface().(proto.Message)); err != nil {
		return nil, err
	}
	return method.Call([]reflect.Value{reflect.ValueOf(ctx), request}), nil
}

func (a *adapter) call(ctx context.Context, c command) (any, error) {
	method, err := a.method(c.Method)
	if err != nil {
		return nil, err
	}
	if c.TimeoutMS != 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, milliseconds(c.TimeoutMS))
		defer cancel()
	}
	results, err := invoke(ctx, method, c)
	if err != nil {
		return nil, err
	}
	if err, ok := results[1].Interface().(error); ok {
		return nil, err
	}
	return encode(results[0].Interface().(proto.Message))
}

func (a *adapter) giveHat(ctx context.Context, c command) (any, error) {
	client, err := a.connected()
	if err != nil {
		return nil, err
	}
	response, err := client.GiveHat(ctx, c.RoomJID, c.UserJID, c.HatID)
	if err != nil {
		return nil, err
	}
	return encode(response)
}

func (a *adapter) listAll(ctx context.Context, c command) (any, error) {
	method, err := a.method("All" + strings.TrimPrefix(c.Method, "List"))
	if err != nil {
		return nil, err
	}
	results, err := invoke(ctx, method, c)
	if err != nil {
		return nil, err
	}
	items := []json.RawMessage{}
	for item, err := range results[0].Seq2() {
		if err, ok := err.Interface().(error); ok {
			return nil, err
		}
		text, err := encode(item.Interface().(proto.Message))
		if err != nil {
			return nil, err
		}
		items = append(items, text)
	}
	return object{"items": items}, nil
}
