package hatd

import (
	"time"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// An Event is a step of a watch: a [Reset], a [Snapshot], [Changes] or a [Bookmark].
//
// Each takes the caller from the state that the tokens before it name to the state that its own token
// names. Tokens are opaque: keep the last one and hand it back, never compare two.
type Event interface {
	// ResumeToken returns the token that resumes a watch after this event. Empty within a snapshot,
	// which starts again if it is cut.
	ResumeToken() string

	isEvent()
}

// A Reset says that a snapshot follows: what is held and not in it, up to its last page, is gone. What
// is held meanwhile is old, not wrong.
type Reset struct {
	// Reason says why.
	Reason hatdpb.ResetReason
}

// A Snapshot is a page of the state. The last one is complete.
type Snapshot struct {
	// Page is the page.
	Page *hatdpb.WatchSnapshot
	// Token is where a watch may resume. Empty unless the page is the last.
	Token string
}

// Changes are commits, in order. They may be none, while the watch catches up.
//
// Between a reset and the last page of its snapshot they bring documents up to date, and are not news.
type Changes struct {
	// Commits are the commits, each with the whole new documents.
	Commits []*hatdpb.Commit
	// Token is where a watch may resume. Empty within a snapshot.
	Token string
}

// A Bookmark says that there was nothing more to send.
type Bookmark struct {
	// ServerTime is the server's clock.
	ServerTime time.Time
	// Token is where a watch may resume.
	Token string
}

// ResumeToken returns nothing: a snapshot follows.
func (Reset) ResumeToken() string { return "" }

// ResumeToken returns the token, which is empty unless the page is the last.
func (e Snapshot) ResumeToken() string { return e.Token }

// ResumeToken returns the token, which is empty within a snapshot.
func (e Changes) ResumeToken() string { return e.Token }

// ResumeToken returns the token.
func (e Bookmark) ResumeToken() string { return e.Token }

func (Reset) isEvent()    {}
func (Snapshot) isEvent() {}
func (Changes) isEvent()  {}
func (Bookmark) isEvent() {}
