package hatd

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// A Mirror keeps the state of a scope current in memory, with one goroutine and one [Watch].
//
// Rooms and users are found by their JIDs as hatd answers them, which is normalised. What is returned are
// copies. Reading takes no call and never waits; readers see all of a commit or nothing of it. While the
// mirror takes a new snapshot it answers with the state before, and is stale.
//
// A mirror may be used by many goroutines at once.
type Mirror struct {
	watch *Watch
	hooks Hooks
	// selectors are what the mirror is about. None: everything.
	selectors []*hatdpb.WatchSelector

	// ctx is done once the mirror or its client is closed.
	ctx context.Context
	// ready is closed once the first snapshot is complete, and done once the mirror has ended.
	ready, done chan struct{}
	// err is why the mirror ended. It is set before done is closed.
	err error
	// wake has a value when the goroutine is to look at the waits.
	wake chan struct{}

	mu        sync.RWMutex
	state     *mirrorState
	stale     bool
	lastError error
	listeners map[*listener]struct{}
	waits     waits
}

// A MirrorStatus says what a mirror has been through.
type MirrorStatus struct {
	WatchStatus
	// Ready says that the first snapshot has been complete.
	Ready bool
	// Stale says that the state is older than the last token: no snapshot is complete yet, another is
	// under way, or the mirror has ended.
	Stale bool
	// LastError is why the last stream ended, or the mirror. Nil: none has.
	LastError error
}

// Mirror keeps what the options select current in memory, beginning now. [Mirror.Ready] says when it is
// there. The caller must close the mirror, or the client.
func (c *Client) Mirror(options ...MirrorOption) *Mirror {
	settings := newWatchSettings(options)
	m := &Mirror{
		hooks:     settings.hooks,
		selectors: settings.selectors,
		ready:     make(chan struct{}),
		done:      make(chan struct{}),
		wake:      make(chan struct{}, 1),
		stale:     true,
		listeners: make(map[*listener]struct{}),
	}
	m.state = newMirrorState(func(change Change) {
		for listener := range m.listeners {
			listener.push(change)
		}
	})
	settings.hooks.Disconnected = m.disconnected
	m.watch = newWatch(c, settings)
	m.ctx = m.watch.ctx
	if !c.tasks.start() {
		m.end(closedError())
		return m
	}
	go func() {
		defer c.tasks.running.Done()
		m.run()
	}()
	return m
}

// Ready waits until the first snapshot is complete.
//
// Errors: that of ctx, [ErrClosed], and what ended the mirror for good, as for [Watch.Next].
func (m *Mirror) Ready(ctx context.Context) error {
	select {
	case <-m.ready:
		// Ended is ended, however much came before.
		select {
		case <-m.done:
			return m.err
		default:
			return nil
		}
	case <-m.done:
		return m.err
	case <-ctx.Done():
		return contextError(ctx)
	}
}

// Hats returns the hats that a user wears in a room, as they are displayed: in order, each with a title.
// Titles are in the first of the languages (BCP 47) that a definition has, else as the definition says
// without one. With user selectors alone there is no catalogue, so titles are those of the attachments.
func (m *Mirror) Hats(roomJID, userJID string, languages ...string) []DisplayedHat {
	m.mu.RLock()
	room, ok := m.state.rooms[roomJID]
	if !ok {
		m.mu.RUnlock()
		return nil
	}
	record, document := room.record.message, room.users[userJID].message
	definitions := make(map[string]*hatdpb.HatDefinition, len(document.GetHats()))
	for hatID := range document.GetHats() {
		if definition, ok := room.definitions[hatID]; ok {
			definitions[hatID] = definition.message
		}
	}
	m.mu.RUnlock()
	return display(record, definitions, document, languages)
}

// Document returns a user's document in a room. Nil: the user has no hats there, or is not selected.
func (m *Mirror) Document(roomJID, userJID string) *hatdpb.UserHats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if room, ok := m.state.rooms[roomJID]; ok {
		return cloneIfAny(room.users[userJID].message)
	}
	return nil
}

// Room returns a room's record. Nil: there is no such room, or it is not selected.
func (m *Mirror) Room(roomJID string) *hatdpb.Room {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if room, ok := m.state.rooms[roomJID]; ok {
		return cloneIfAny(room.record.message)
	}
	return nil
}

// RoomJIDs returns the JIDs of all rooms of which anything is held, in order. With user selectors that is
// more than [Mirror.Rooms] has: documents come without their rooms.
func (m *Mirror) RoomJIDs() []string {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Sorted(maps.Keys(m.state.rooms))
}

// Rooms returns the records of all rooms, by JID.
func (m *Mirror) Rooms() []*hatdpb.Room {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var rooms []*hatdpb.Room
	for _, room := range m.state.rooms {
		if room.record.message != nil {
			rooms = append(rooms, proto.CloneOf(room.record.message))
		}
	}
	slices.SortFunc(rooms, func(a, b *hatdpb.Room) int {
		return cmp.Compare(a.GetRoomJid(), b.GetRoomJid())
	})
	return rooms
}

// Definitions returns a room's catalogue, in the order of display.
func (m *Mirror) Definitions(roomJID string) []*hatdpb.HatDefinition {
	m.mu.RLock()
	defer m.mu.RUnlock()
	room, ok := m.state.rooms[roomJID]
	if !ok {
		return nil
	}
	var definitions []*hatdpb.HatDefinition
	for _, definition := range room.definitions {
		definitions = append(definitions, proto.CloneOf(definition.message))
	}
	slices.SortFunc(definitions, func(a, b *hatdpb.HatDefinition) int {
		return cmp.Or(compareDefinitions(a, b), cmp.Compare(a.GetHatId(), b.GetHatId()))
	})
	return definitions
}

// Users returns the documents of a room that have hats, by user JID.
func (m *Mirror) Users(roomJID string) []*hatdpb.UserHats {
	m.mu.RLock()
	defer m.mu.RUnlock()
	room, ok := m.state.rooms[roomJID]
	if !ok {
		return nil
	}
	var users []*hatdpb.UserHats
	for _, document := range room.users {
		users = append(users, proto.CloneOf(document.message))
	}
	slices.SortFunc(users, func(a, b *hatdpb.UserHats) int {
		return cmp.Compare(a.GetUserJid(), b.GetUserJid())
	})
	return users
}

// Status returns what the mirror has been through.
func (m *Mirror) Status() MirrorStatus {
	m.mu.RLock()
	defer m.mu.RUnlock()
	status := MirrorStatus{WatchStatus: m.watch.Status(), Stale: m.stale, LastError: m.lastError}
	select {
	case <-m.ready:
		status.Ready = true
	default:
	}
	return status
}

// Close ends the mirror; what waits on it returns [ErrClosed]. What it holds can still be read. It is not
// to be called from [Hooks]. Closing again does no harm. The error is always nil.
func (m *Mirror) Close() error {
	m.watch.Close()
	<-m.done
	return nil
}

// run applies what the watch says until it ends.
func (m *Mirror) run() {
	for {
		m.beginWait()
		event, err := m.watch.next(context.Background(), m.wake)
		switch {
		case err == nil:
			m.apply(event)
		case errors.Is(err, errWoken):
		case m.failWait(err):
		default:
			m.end(err)
			return
		}
	}
}

// apply takes an event in, and wakes those who waited for it.
func (m *Mirror) apply(event Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state.apply(event)
	// Applied is processed.
	m.watch.advance()
	switch event := event.(type) {
	case Reset:
		m.stale = true
		m.waits.slowDown()
	case Snapshot:
		if event.Page.GetComplete() {
			m.stale = false
			if !isDone(m.ready) {
				close(m.ready)
			}
		}
	case Bookmark:
		m.waits.finishActive(nil)
	}
	if !m.state.inSnapshot {
		m.waits.finishFast(m.state.revisions)
	}
}

// disconnected is told when a stream has ended and the watch goes on.
func (m *Mirror) disconnected(cause error, retryIn time.Duration) {
	m.mu.Lock()
	m.lastError = cause
	if errors.Is(cause, ErrChainBroken) || errors.Is(cause, ErrRevisionNotRising) {
		m.stale = true
	}
	isAbandoned := m.waits.abandonActive()
	m.mu.Unlock()
	if isAbandoned {
		m.watch.askFor("")
	}
	m.hooks.disconnected(cause, retryIn)
}

// end ends the mirror for good.
func (m *Mirror) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale = true
	m.lastError = err
	m.err = err
	close(m.done)
}

// selects reports whether a user's document in a room is among what the mirror is about. JIDs that are not
// spelt as hatd answers them are not recognised.
func (m *Mirror) selects(roomJID, userJID string) bool {
	if len(m.selectors) == 0 {
		return true
	}
	_, domain, _ := strings.Cut(roomJID, "@")
	return slices.ContainsFunc(m.selectors, func(selector *hatdpb.WatchSelector) bool {
		return (selector.GetRoomJid() == "" || selector.GetRoomJid() == roomJID) &&
			(selector.GetUserJid() == "" || selector.GetUserJid() == userJID) &&
			(selector.GetRoomDomain() == "" || selector.GetRoomDomain() == domain)
	})
}

// cloneIfAny returns a copy of a message, or nil.
func cloneIfAny[M interface {
	comparable
	proto.Message
}](message M) M {
	var none M
	if message == none {
		return none
	}
	return proto.CloneOf(message)
}

func isDone(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}
