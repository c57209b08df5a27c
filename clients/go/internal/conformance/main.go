// Command conformance is the adapter of the Go client for the runner of clients/conformance, whose
// README says what each command does and answers.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hatd/hatd/clients/go"
	"github.com/hatd/hatd/clients/go/hatdpb"
)

func main() {
	log.SetFlags(0)
	adapter := newAdapter(os.Stdout)
	if err := adapter.serve(os.Stdin); err != nil {
		log.Fatal(err)
	}
}

// A command is a line from the runner.
type command struct {
	ID uint64 `json:"id"`
	Op string `json:"op"`

	Target         string `json:"target"`
	APIKey         string `json:"api_key"`
	Plaintext      bool   `json:"plaintext"`
	CAFile         string `json:"ca_file"`
	ReadTimeoutMS  int64  `json:"read_timeout_ms"`
	WriteTimeoutMS int64  `json:"write_timeout_ms"`

	Method    string          `json:"method"`
	Request   json.RawMessage `json:"request"`
	TimeoutMS int64           `json:"timeout_ms"`
	Answer    json.RawMessage `json:"answer"`
	Token     *string         `json:"token"`

	Command uint64 `json:"command"`

	Watch    string  `json:"watch"`
	Mirror   string  `json:"mirror"`
	Listener string  `json:"listener"`
	Options  options `json:"options"`

	RoomJID  string `json:"room_jid"`
	UserJID  string `json:"user_jid"`
	HatID    string `json:"hat_id"`
	Language string `json:"language"`
}

// options are those of a watch or a mirror.
type options struct {
	Selectors           []json.RawMessage `json:"selectors"`
	Start               json.RawMessage   `json:"start"`
	OnExpired           string            `json:"on_expired"`
	HeartbeatIntervalMS int64             `json:"heartbeat_interval_ms"`
	AtLeastToken        string            `json:"at_least_token"`
	ReconnectDelayMaxMS int64             `json:"reconnect_delay_max_ms"`
}

// object is a JSON object.
type object = map[string]any

// badCommand is a command that the adapter does not know or cannot parse.
type badCommand struct{ error }

func badCommandf(format string, args ...any) error {
	return badCommand{fmt.Errorf(format, args...)}
}

type adapter struct {
	mu        sync.Mutex
	replies   *json.Encoder
	client    *hatd.Client
	cancels   map[uint64]context.CancelFunc
	watches   map[string]*watch
	mirrors   map[string]*hatd.Mirror
	listeners map[string]*listener
}

func newAdapter(replies io.Writer) *adapter {
	return &adapter{
		replies:   json.NewEncoder(replies),
		cancels:   make(map[uint64]context.CancelFunc),
		watches:   make(map[string]*watch),
		mirrors:   make(map[string]*hatd.Mirror),
		listeners: make(map[string]*listener),
	}
}

// serve does the commands of its input until that ends.
func (a *adapter) serve(commands io.Reader) error {
	lines := bufio.NewReader(commands)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var c command
		if err := json.Unmarshal(line, &c); err != nil {
			a.reply(c.ID, nil, badCommand{err})
			continue
		}
		ctx, cancel := context.WithCancel(context.Background())
		a.mu.Lock()
		a.cancels[c.ID] = cancel
		a.mu.Unlock()
		// What later commands of the runner build on is done before they are read.
		if act, ok := prompt[c.Op]; ok {
			a.finish(ctx, c, act)
		} else if act, ok := patient[c.Op]; ok {
			go a.finish(ctx, c, act)
		} else {
			a.finish(ctx, c, func(*adapter, context.Context, command) (any, error) {
				return nil, badCommandf("unknown op %q", c.Op)
			})
		}
	}
}

type action func(*adapter, context.Context, command) (any, error)

// prompt are the commands that wait for nothing, and patient those that may wait.
var (
	prompt = map[string]action{
		"connect":       (*adapter).connect,
		"cancel":        (*adapter).cancel,
		"watch":         (*adapter).openWatch,
		"watch_status":  (*adapter).watchStatus,
		"close_watch":   (*adapter).closeWatch,
		"mirror":        (*adapter).openMirror,
		"hats":          (*adapter).hats,
		"listen":        (*adapter).listen,
		"mirror_state":  (*adapter).mirrorState,
		"mirror_status": (*adapter).mirrorStatus,
		"close_mirror":  (*adapter).closeMirror,
		"close":         (*adapter).close,
	}
	patient = map[string]action{
		"call":        (*adapter).call,
		"give_hat":    (*adapter).giveHat,
		"list_all":    (*adapter).listAll,
		"next":        (*adapter).next,
		"ready":       (*adapter).ready,
		"wait_for":    (*adapter).waitFor,
		"next_change": (*adapter).nextChange,
	}
)

// finish does a command and replies.
func (a *adapter) finish(ctx context.Context, c command, act action) {
	ok, err := act(a, ctx, c)
	a.mu.Lock()
	a.cancels[c.ID]()
	delete(a.cancels, c.ID)
	a.mu.Unlock()
	a.reply(c.ID, ok, err)
}

func (a *adapter) reply(id uint64, ok any, err error) {
	reply := object{"id": id}
	if err != nil {
		reply["error"] = describe(err)
	} else {
		reply["ok"] = ok
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.replies.Encode(reply); err != nil {
		log.Fatal(err)
	}
}

// describe returns an error as the runner wants it.
func describe(err error) object {
	var bad badCommand
	if errors.As(err, &bad) {
		return object{"type": "BadCommand", "code": "", "reason": "", "message": err.Error()}
	}
	var failure *hatd.Error
	if !errors.As(err, &failure) {
		return object{"type": "Unexpected", "code": "", "reason": "", "message": err.Error()}
	}
	violations := []object{}
	for _, violation := range failure.Violations {
		violations = append(violations, object{
			"field":       violation.Field,
			"description": violation.Description,
		})
	}
	metadata := failure.Metadata
	if metadata == nil {
		metadata = map[string]string{}
	}
	described := object{
		"type":       typeName(failure),
		"code":       codeName(failure.Code),
		"reason":     failure.Reason,
		"message":    failure.Message,
		"metadata":   metadata,
		"request_id": failure.RequestID,
		"violations": violations,
	}
	if failure.RetryDelay > 0 {
		described["retry_delay_ms"] = failure.RetryDelay.Milliseconds()
	}
	return described
}

// typeName returns the name of the sentinel that an error is.
func typeName(failure *hatd.Error) string {
	switch {
	case errors.Is(failure, hatd.ErrClosed):
		return "Closed"
	case errors.Is(failure, hatd.ErrEnded):
		return "Ended"
	case errors.Is(failure, hatd.ErrInvalidTarget):
		return "InvalidTarget"
	}
	for _, sentinel := range sentinels {
		if errors.Is(failure, sentinel) {
			return camelCase(string(sentinel))
		}
	}
	return "HatdError"
}

func (a *adapter) connect(_ context.Context, c command) (any, error) {
	if _, err := a.close(context.Background(), c); err != nil {
		return nil, err
	}
	var options []hatd.Option
	if c.APIKey != "" {
		options = append(options, hatd.WithAPIKey(c.APIKey))
	}
	if c.Plaintext {
		options = append(options, hatd.WithPlaintext())
	}
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, badCommand{err}
		}
		options = append(options, hatd.WithRootCA(pem))
	}
	if c.ReadTimeoutMS != 0 {
		options = append(options, hatd.WithReadTimeout(milliseconds(c.ReadTimeoutMS)))
	}
	if c.WriteTimeoutMS != 0 {
		options = append(options, hatd.WithWriteTimeout(milliseconds(c.WriteTimeoutMS)))
	}
	client, err := hatd.Connect(c.Target, options...)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.client = client
	clear(a.watches)
	clear(a.mirrors)
	clear(a.listeners)
	return object{}, nil
}

func (a *adapter) close(context.Context, command) (any, error) {
	a.mu.Lock()
	client := a.client
	a.mu.Unlock()
	if client != nil {
		client.Close()
	}
	return object{}, nil
}

func (a *adapter) cancel(_ context.Context, c command) (any, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cancel, ok := a.cancels[c.Command]; ok {
		cancel()
	}
	return object{}, nil
}

func (a *adapter) connected() (*hatd.Client, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client == nil {
		return nil, badCommandf("not connected")
	}
	return a.client, nil
}

// named returns what an earlier command gave a name.
func named[T any](a *adapter, things map[string]T, name string) (T, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	thing, ok := things[name]
	if !ok {
		return thing, badCommandf("nothing is named %q", name)
	}
	return thing, nil
}

func milliseconds(n int64) time.Duration {
	return time.Duration(n) * time.Millisecond
}

// encode returns a message as JSON.
func encode(message proto.Message) (json.RawMessage, error) {
	return protojson.Marshal(message)
}

// encodeAll returns messages as a JSON list.
func encodeAll[M proto.Message](messages []M) ([]json.RawMessage, error) {
	list := []json.RawMessage{}
	for _, message := range messages {
		item, err := encode(message)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// decode reads a message from JSON. None is the empty message.
func decode(text json.RawMessage, message proto.Message) error {
	if len(text) == 0 {
		return nil
	}
	if err := protojson.Unmarshal(text, message); err != nil {
		return badCommand{err}
	}
	return nil
}

// shared returns the options that watches and mirrors have in common.
func (o options) shared() ([]hatd.MirrorOption, error) {
	var options []hatd.MirrorOption
	for _, text := range o.Selectors {
		selector := new(hatdpb.WatchSelector)
		if err := decode(text, selector); err != nil {
			return nil, err
		}
		options = append(options, hatd.Select(selector))
	}
	if o.HeartbeatIntervalMS != 0 {
		options = append(options, hatd.HeartbeatInterval(milliseconds(o.HeartbeatIntervalMS)))
	}
	if o.ReconnectDelayMaxMS != 0 {
		options = append(options, hatd.ReconnectDelayMax(milliseconds(o.ReconnectDelayMaxMS)))
	}
	return options, nil
}

// camelCase turns ROOM_NOT_FOUND into RoomNotFound.
func camelCase(name string) string {
	var camel strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(name), "_") {
		camel.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return camel.String()
}
