package main

import (
	"context"
	"iter"
	"reflect"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go"
	"github.com/hatd/hatd/clients/go/hatdpb"
)

func (a *adapter) openMirror(_ context.Context, c command) (any, error) {
	client, err := a.connected()
	if err != nil {
		return nil, err
	}
	options, err := c.Options.shared()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mirrors[c.Mirror] = client.Mirror(options...)
	return object{}, nil
}

func (a *adapter) ready(ctx context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	return object{}, mirror.Ready(ctx)
}

func (a *adapter) hats(_ context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	var languages []string
	if c.Language != "" {
		languages = append(languages, c.Language)
	}
	hats := []object{}
	for _, hat := range mirror.Hats(c.RoomJID, c.UserJID, languages...) {
		described := object{"hat_id": hat.HatID, "title": hat.Title}
		if hat.Hue != nil {
			described["hue"] = *hat.Hue
		}
		hats = append(hats, described)
	}
	return object{"hats": hats}, nil
}

func (a *adapter) waitFor(ctx context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	if c.Token != nil {
		return object{}, mirror.WaitForToken(ctx, *c.Token)
	}
	method, err := a.method(c.Method)
	if err != nil {
		return nil, err
	}
	answer := reflect.New(method.Type().Out(0).Elem()).Interface()
	if err := decode(c.Answer, answer.(proto.Message)); err != nil {
		return nil, err
	}
	return object{}, mirror.WaitFor(ctx, answer.(hatd.Answer))
}

// A listener takes changes from an iterator, only when a command asks for one, so that what the mirror
// keeps for a slow listener is seen.
type listener struct {
	next    func() (hatd.Change, error, bool)
	turn    chan struct{}
	asked   bool
	answers chan change
	// last is the error that the iterator ended with.
	last error
}

type change struct {
	hatd.Change
	err error
}

func (a *adapter) listen(_ context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	// The iterator ends with the mirror.
	next, _ := iter.Pull2(mirror.Changes(context.Background()))
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listeners[c.Listener] = &listener{
		next:    next,
		turn:    make(chan struct{}, 1),
		answers: make(chan change, 1),
	}
	return object{}, nil
}

func (a *adapter) nextChange(ctx context.Context, c command) (any, error) {
	l, err := named(a, a.listeners, c.Listener)
	if err != nil {
		return nil, err
	}
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	if !l.asked {
		l.asked = true
		go func() {
			next, err, ok := l.next()
			if !ok {
				err = l.last
			}
			l.last = err
			l.answers <- change{next, err}
		}()
	}
	select {
	case answer := <-l.answers:
		l.asked = false
		if answer.err != nil {
			return nil, answer.err
		}
		return object{"room_jid": answer.RoomJID, "user_jid": answer.UserJID}, nil
	case <-ctx.Done():
		return nil, &hatd.Error{Code: codes.Canceled, Message: "cancelled"}
	}
}

func (a *adapter) mirrorState(_ context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	var users []*hatdpb.UserHats
	definitions := []object{}
	for _, roomJID := range mirror.RoomJIDs() {
		users = append(users, mirror.Users(roomJID)...)
		for _, definition := range mirror.Definitions(roomJID) {
			text, err := encode(definition)
			if err != nil {
				return nil, err
			}
			definitions = append(definitions, object{"roomJid": roomJID, "definition": text})
		}
	}
	state := object{"definitions": definitions}
	if state["rooms"], err = encodeAll(mirror.Rooms()); err != nil {
		return nil, err
	}
	if state["users"], err = encodeAll(users); err != nil {
		return nil, err
	}
	return state, nil
}

func (a *adapter) mirrorStatus(_ context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	status := mirror.Status()
	described := describeStatus(status.WatchStatus)
	described["ready"] = status.Ready
	described["stale"] = status.Stale
	return described, nil
}

func (a *adapter) closeMirror(_ context.Context, c command) (any, error) {
	mirror, err := named(a, a.mirrors, c.Mirror)
	if err != nil {
		return nil, err
	}
	return object{}, mirror.Close()
}
