package hatd

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// fastWaitMax is how long a commit is waited for before the server is asked for a bookmark. Our choice.
const fastWaitMax = time.Second

// An Answer is a response with a token: that of any read or write.
type Answer interface {
	GetToken() string
}

// written is the answer of a write to one document.
type written interface {
	Answer
	GetUserHats() *hatdpb.UserHats
	GetRevision() uint64
	GetChanged() bool
	GetReplayed() bool
}

// WaitFor waits until the mirror includes what the answer of a read or a write tells of, so that one can
// read one's own writes from it.
//
// Errors: that of ctx; [ErrClosed]; what ended the mirror for good; and [ErrStoreMismatch] or
// [ErrInvalidToken] for the answer of another store, which the mirror outlives.
func (m *Mirror) WaitFor(ctx context.Context, answer Answer) error {
	w := &waiter{token: answer.GetToken(), done: make(chan error, 1)}
	// The new state of a document that is selected and has hats comes as a commit of this revision.
	// What else there is may come as nothing, so that only a bookmark tells.
	if answer, ok := answer.(written); ok && answer.GetChanged() && !answer.GetReplayed() {
		document := answer.GetUserHats()
		if len(document.GetHats()) > 0 && m.selects(document.GetRoomJid(), document.GetUserJid()) {
			w.roomJID, w.revision = document.GetRoomJid(), answer.GetRevision()
		}
	}
	return m.waitFor(ctx, w)
}

// WaitForToken waits until the mirror includes the position of a token. With an empty one, it waits until
// the mirror is ready. Errors are those of [Mirror.WaitFor].
func (m *Mirror) WaitForToken(ctx context.Context, token string) error {
	return m.waitFor(ctx, &waiter{token: token, done: make(chan error, 1)})
}

func (m *Mirror) waitFor(ctx context.Context, w *waiter) error {
	if err := m.Ready(ctx); err != nil || w.token == "" {
		return err
	}

	m.mu.Lock()
	// Within a snapshot a revision says nothing: a page of the room may have come, and the document
	// not.
	isFast := w.revision > 0 && !m.state.inSnapshot
	if isFast && m.state.revisions[w.roomJID] >= w.revision {
		m.mu.Unlock()
		return nil
	}
	m.waits.add(w, isFast)
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.waits.remove(w)
	}()
	if !isFast {
		m.wakeUp()
	}

	// The commit may never come: what it did may be undone by the snapshot that came meanwhile.
	overdue := time.NewTimer(fastWaitMax)
	defer overdue.Stop()
	for {
		select {
		case err := <-w.done:
			return err
		case <-overdue.C:
			m.mu.Lock()
			m.waits.ask(w)
			m.mu.Unlock()
			m.wakeUp()
		case <-m.done:
			return m.err
		case <-ctx.Done():
			return contextError(ctx)
		}
	}
}

// wakeUp lets the goroutine look at the waits.
func (m *Mirror) wakeUp() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// beginWait reopens the stream for the first of the slow waits, unless another is under way or a snapshot
// has to end first.
func (m *Mirror) beginWait() {
	m.mu.Lock()
	token, ok := "", false
	if !m.state.inSnapshot {
		token, ok = m.waits.activate()
	}
	m.mu.Unlock()
	if ok {
		m.watch.askFor(token)
	}
}

// failWait fails the slow wait that err is about, and lets the watch go on. False: err is not about one.
func (m *Mirror) failWait(err error) bool {
	var failure *Error
	if !errors.As(err, &failure) {
		return false
	}
	isAboutWait := failure.Reason == ErrStoreMismatch ||
		failure.Reason == ErrInvalidToken && failure.Metadata["field"] == "at_least_token"
	m.mu.Lock()
	ok := isAboutWait && m.waits.isActive
	if ok {
		m.waits.finishActive(failure)
	}
	m.mu.Unlock()
	if ok {
		m.watch.askFor("")
	}
	return ok
}

// waits are those who wait for a mirror to include something.
type waits struct {
	// fast waits end when the revision of a room has come.
	fast []*waiter
	// slow waits end with the first bookmark of a stream that was opened for their token. Tokens
	// cannot be compared for order, so one token is waited for at a time, the first one's.
	slow []*waiter
	// active is the token that the stream was opened for, if isActive.
	active   string
	isActive bool
}

// A waiter is one call of WaitFor.
type waiter struct {
	token string
	// roomJID and revision are what a fast wait is for.
	roomJID  string
	revision uint64
	// done has room for the one value that is sent.
	done chan error
}

func (w *waits) add(one *waiter, isFast bool) {
	if isFast {
		w.fast = append(w.fast, one)
	} else {
		w.slow = append(w.slow, one)
	}
}

func (w *waits) remove(one *waiter) {
	is := func(other *waiter) bool { return other == one }
	w.fast = slices.DeleteFunc(w.fast, is)
	w.slow = slices.DeleteFunc(w.slow, is)
}

// slowDown makes all waits slow: the revisions that came before a reset say nothing about what follows.
func (w *waits) slowDown() {
	w.slow = append(w.slow, w.fast...)
	w.fast = nil
}

// ask makes a wait slow, if it is fast.
func (w *waits) ask(one *waiter) {
	if index := slices.Index(w.fast, one); index >= 0 {
		w.fast = slices.Delete(w.fast, index, index+1)
		w.slow = append(w.slow, one)
	}
}

// finishFast ends the fast waits whose revision has come.
func (w *waits) finishFast(revisions map[string]uint64) {
	w.fast = slices.DeleteFunc(w.fast, func(one *waiter) bool {
		hasCome := revisions[one.roomJID] >= one.revision
		if hasCome {
			one.done <- nil
		}
		return hasCome
	})
}

// activate returns the token of the first slow wait, to open a stream for. False: there is none, or
// another is under way.
func (w *waits) activate() (token string, ok bool) {
	if w.isActive || len(w.slow) == 0 {
		return "", false
	}
	w.active, w.isActive = w.slow[0].token, true
	return w.active, true
}

// finishActive ends the slow waits under way.
func (w *waits) finishActive(err error) {
	if !w.isActive {
		return
	}
	w.isActive = false
	w.slow = slices.DeleteFunc(w.slow, func(one *waiter) bool {
		isActive := one.token == w.active
		if isActive {
			one.done <- err
		}
		return isActive
	})
}

// abandonActive gives the slow wait under way up if nobody waits for it any more, and reports whether it
// did.
func (w *waits) abandonActive() bool {
	isWaitedFor := slices.ContainsFunc(w.slow, func(one *waiter) bool {
		return one.token == w.active
	})
	isAbandoned := w.isActive && !isWaitedFor
	if isAbandoned {
		w.isActive = false
	}
	return isAbandoned
}
