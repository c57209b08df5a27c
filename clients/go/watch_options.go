package hatd

import (
	"time"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

const (
	// heartbeatInterval is the heartbeat interval of a server that is not told another.
	heartbeatInterval = 15 * time.Second
	// reconnectDelayMax bounds every delay before connecting again, unless the server asks for more or
	// the options say otherwise. Our choice.
	reconnectDelayMax = 30 * time.Second
)

// A WatchOption says what a [Watch] is about, where it starts, or how it runs.
type WatchOption interface {
	applyTo(*watchSettings)
}

// A MirrorOption says what a [Mirror] is about, or how it runs. It serves a [Watch], too.
//
// Selectors add up; without any, a watch or a mirror is about all that the caller may see. JIDs may be
// spelt in any way.
type MirrorOption interface {
	WatchOption
	servesMirrors()
}

type watchSettings struct {
	selectors         []*hatdpb.WatchSelector
	start             start
	resumeToken       string
	onExpired         hatdpb.OnExpired
	heartbeatInterval time.Duration
	atLeastToken      string
	reconnectDelayMax time.Duration
	hooks             Hooks
}

// start is where a watch starts when it has no position.
type start int

const (
	startSnapshot start = iota
	startToken
	startNow
)

type (
	watchOption  func(*watchSettings)
	mirrorOption func(*watchSettings)
)

func (o watchOption) applyTo(s *watchSettings)  { o(s) }
func (o mirrorOption) applyTo(s *watchSettings) { o(s) }
func (mirrorOption) servesMirrors()             {}

// Room selects a room: its record, its catalogue, and its documents.
func Room(roomJID string) MirrorOption {
	return Select(&hatdpb.WatchSelector{RoomJid: roomJID})
}

// User selects a user: the user's documents in all rooms, and the deletion of every room.
func User(userJID string) MirrorOption {
	return Select(&hatdpb.WatchSelector{UserJid: userJID})
}

// UserInRoom selects one user's document in a room, with the room's record and catalogue.
func UserInRoom(roomJID, userJID string) MirrorOption {
	return Select(&hatdpb.WatchSelector{RoomJid: roomJID, UserJid: userJID})
}

// Domain selects all rooms of a domain.
func Domain(roomDomain string) MirrorOption {
	return Select(&hatdpb.WatchSelector{RoomDomain: roomDomain})
}

// Select selects what the selectors of the contract do.
func Select(selectors ...*hatdpb.WatchSelector) MirrorOption {
	return mirrorOption(func(s *watchSettings) { s.selectors = append(s.selectors, selectors...) })
}

// HeartbeatInterval says how long the stream may be silent while nothing changes: 1 to 60 s. Default:
// 15 s. After two and a half intervals of silence the stream counts as dead and is made anew.
func HeartbeatInterval(interval time.Duration) MirrorOption {
	return mirrorOption(func(s *watchSettings) { s.heartbeatInterval = interval })
}

// ReconnectDelayMax bounds the delay before connecting again, unless the server asks for more.
// Default: 30 s.
func ReconnectDelayMax(delay time.Duration) MirrorOption {
	return mirrorOption(func(s *watchSettings) { s.reconnectDelayMax = delay })
}

// WithHooks calls hooks when the stream under a watch or a mirror begins and ends, for metrics and logs.
func WithHooks(hooks Hooks) MirrorOption {
	return mirrorOption(func(s *watchSettings) { s.hooks = hooks })
}

// FromToken starts after this token: of a watch with the same selectors, or of any read or write.
func FromToken(token string) WatchOption {
	return watchOption(func(s *watchSettings) { s.start, s.resumeToken = startToken, token })
}

// FromNow starts with the next change, without the state.
func FromNow() WatchOption {
	return watchOption(func(s *watchSettings) { s.start = startNow })
}

// FailIfExpired ends the watch with [ErrResumeTokenExpired] or [ErrStoreMismatch] if its position is no
// longer kept or is of another store. Default: a [Reset] and a snapshot.
func FailIfExpired() WatchOption {
	return watchOption(func(s *watchSettings) { s.onExpired = hatdpb.OnExpired_ON_EXPIRED_FAIL })
}

// AtLeast starts with a state that includes this position, the token of any answer or watch. The first
// [Bookmark] has passed it. A token of another store ends the watch with [ErrStoreMismatch].
func AtLeast(token string) WatchOption {
	return watchOption(func(s *watchSettings) { s.atLeastToken = token })
}

// Hooks are called by the goroutine that waits in [Watch.Next], or by that of a [Mirror], which goes on
// once they return. Each may be nil.
type Hooks struct {
	// Connected is called when the server has answered on a new stream.
	Connected func()
	// Disconnected is called when the stream has ended, or could not be opened, and another will be
	// opened after retryIn. The cause is an [Error], [ErrGoAway], [ErrStreamEnded], [ErrSilent],
	// [ErrChainBroken], [ErrRevisionNotRising] or [ErrUnknownEvent].
	Disconnected func(cause error, retryIn time.Duration)
}

func (h Hooks) connected() {
	if h.Connected != nil {
		h.Connected()
	}
}

func (h Hooks) disconnected(cause error, retryIn time.Duration) {
	if h.Disconnected != nil {
		h.Disconnected(cause, retryIn)
	}
}

// newWatchSettings applies the options of a watch or a mirror to the defaults.
func newWatchSettings[O WatchOption](options []O) watchSettings {
	settings := watchSettings{
		heartbeatInterval: heartbeatInterval,
		reconnectDelayMax: reconnectDelayMax,
	}
	for _, option := range options {
		option.applyTo(&settings)
	}
	return settings
}
