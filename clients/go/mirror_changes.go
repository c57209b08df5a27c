package hatd

import (
	"context"
	"iter"
	"sync"
)

// A Change names what is different in a [Mirror]: a user's document or, without a user, the room itself
// or its catalogue. What it is now stands in the mirror.
type Change struct {
	// RoomJID is the room.
	RoomJID string
	// UserJID is the user. Empty: the room's record or its catalogue.
	UserJID string
}

// A listener keeps the changes that its reader has not come for: each at most once, so that a slow
// reader costs no more than what the mirror holds.
type listener struct {
	mu     sync.Mutex
	queue  []Change
	queued map[Change]struct{}
	// wake has a value when the queue may have something.
	wake chan struct{}
}

func newListener() *listener {
	return &listener{queued: make(map[Change]struct{}), wake: make(chan struct{}, 1)}
}

func (l *listener) push(change Change) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.queued[change]; ok {
		return
	}
	l.queued[change] = struct{}{}
	l.queue = append(l.queue, change)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *listener) pop() (Change, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return Change{}, false
	}
	change := l.queue[0]
	l.queue = l.queue[1:]
	delete(l.queued, change)
	return change, true
}

// next returns the next change, waiting for it until ctx is done or the mirror has ended.
func (l *listener) next(ctx context.Context, m *Mirror) (Change, error) {
	for {
		if m.ctx.Err() != nil {
			return Change{}, closedError()
		}
		if ctx.Err() != nil {
			return Change{}, contextError(ctx)
		}
		if change, ok := l.pop(); ok {
			return change, nil
		}
		select {
		case <-l.wake:
			continue
		case <-ctx.Done():
		case <-m.done:
			// What was pushed before the end is still to be had.
			if change, ok := l.pop(); ok {
				return change, nil
			}
			return Change{}, m.err
		}
	}
}

// Changes yields what becomes different in the mirror from this call on, until ctx is done, the mirror is
// closed, or an error ends it, which is yielded last. Before the mirror is ready that is all of its first
// snapshot; after a reset it is only what really differs.
//
// Read what it is now from the mirror. A reader that is slow gets each change once, however often it
// happened, so nothing is missed and nothing piles up. The iterator is to be ranged over once; it is
// done with when the loop or ctx is.
func (m *Mirror) Changes(ctx context.Context) iter.Seq2[Change, error] {
	l := newListener()
	m.mu.Lock()
	m.listeners[l] = struct{}{}
	m.mu.Unlock()
	leave := func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.listeners, l)
	}
	stop := context.AfterFunc(ctx, leave)
	return func(yield func(Change, error) bool) {
		defer leave()
		defer stop()
		for {
			change, err := l.next(ctx, m)
			if !yield(change, err) || err != nil {
				return
			}
		}
	}
}
