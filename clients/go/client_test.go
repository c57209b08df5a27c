package hatd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// fakeHatd is a server that answers what a test says.
type fakeHatd struct {
	hatdpb.UnimplementedHatServiceServer
	target string

	mu       sync.Mutex
	refusals []error
	keys     []string
	agents   []string
	ids      []string
}

// serve starts a server, which ends with the test.
func serve(t *testing.T, options ...grpc.ServerOption) *fakeHatd {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeHatd{target: listener.Addr().String()}
	server := grpc.NewServer(options...)
	hatdpb.RegisterHatServiceServer(server, fake)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return fake
}

// note keeps what a call brought, and returns the refusal that is due.
func (f *fakeHatd) note(ctx context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	headers, _ := metadata.FromIncomingContext(ctx)
	f.keys = append(f.keys, strings.Join(headers.Get("authorization"), ","))
	f.agents = append(f.agents, strings.Join(headers.Get("user-agent"), ","))
	f.ids = append(f.ids, id)
	if len(f.refusals) == 0 {
		return nil
	}
	refusal := f.refusals[0]
	f.refusals = f.refusals[1:]
	return refusal
}

func (f *fakeHatd) AddUserHat(
	ctx context.Context, request *hatdpb.AddUserHatRequest,
) (*hatdpb.AddUserHatResponse, error) {
	if err := f.note(ctx, request.GetRequestId()); err != nil {
		return nil, err
	}
	return &hatdpb.AddUserHatResponse{Changed: true}, nil
}

func (f *fakeHatd) WatchHats(
	_ *hatdpb.WatchHatsRequest, stream grpc.ServerStreamingServer[hatdpb.WatchHatsResponse],
) error {
	if err := f.note(stream.Context(), ""); err != nil {
		return err
	}
	for _, response := range whole() {
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	<-stream.Context().Done()
	return stream.Context().Err()
}

func connect(t *testing.T, target string, options ...Option) *Client {
	t.Helper()
	client, err := Connect(target, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func give(t *testing.T, client *Client) error {
	t.Helper()
	_, err := client.GiveHat(t.Context(), room, "user@localhost", "urn:example:host")
	return err
}

func TestAWriteIsTriedAgainWithOneRequestID(t *testing.T) {
	fake := serve(t)
	fake.refusals = []error{status.Error(codes.Unavailable, "later"), status.Error(codes.Unavailable, "later")}
	client := connect(t, fake.target, WithUserAgent("bot/7"))
	if err := give(t, client); err != nil {
		t.Fatal(err)
	}
	if ids := slices.Compact(fake.ids); len(fake.agents) != 3 || len(ids) != 1 || ids[0] == "" {
		t.Errorf("request ids %q", fake.ids)
	}
	if agent := fake.agents[0]; !strings.HasPrefix(agent, "bot/7 hatd-go/"+Version) {
		t.Errorf("user agent %q", agent)
	}
}

func TestAnErrorIsItsReason(t *testing.T) {
	fake := serve(t)
	refusal, err := status.New(codes.NotFound, "no such room").WithDetails(
		&errdetails.ErrorInfo{
			Reason: "ROOM_NOT_FOUND", Domain: "hatd.v1", Metadata: map[string]string{"room_jid": room},
		},
		&errdetails.ResourceInfo{ResourceType: "room", ResourceName: room},
	)
	if err != nil {
		t.Fatal(err)
	}
	fake.refusals = []error{refusal.Err()}
	err = give(t, connect(t, fake.target))
	var failure *Error
	if !errors.As(err, &failure) || !errors.Is(err, ErrRoomNotFound) || errors.Is(err, ErrHatNotFound) {
		t.Fatalf("%#v", err)
	}
	if failure.Metadata["room_jid"] != room || failure.Resource.Name != room || failure.RequestID == "" {
		t.Errorf("%+v", failure)
	}
	if status.Code(err) != codes.NotFound {
		t.Errorf("code %v", status.Code(err))
	}
}

func TestAContextEndsACall(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client := connect(t, silent.Addr().String())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = client.GetUserHats(ctx, &hatdpb.GetUserHatsRequest{})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = client.GetUserHats(ctx, &hatdpb.GetUserHatsRequest{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestAKeyThatIsRefusedIsAskedForAnewOnce(t *testing.T) {
	fake := serve(t)
	who := status.Error(codes.Unauthenticated, "who?")
	fake.refusals = []error{who, nil, who, who}
	asked := 0
	client := connect(t, fake.target, WithAPIKeyFrom(func(context.Context) (string, error) {
		asked++
		return "key" + string(rune('0'+asked)), nil
	}))
	if err := give(t, client); err != nil {
		t.Fatal(err)
	}
	if err := give(t, client); status.Code(err) != codes.Unauthenticated {
		t.Fatalf("%v", err)
	}
	expected := []string{"Bearer key1", "Bearer key2", "Bearer key2", "Bearer key3"}
	if !slices.Equal(fake.keys, expected) {
		t.Errorf("%q, not %q", fake.keys, expected)
	}
}

func TestTLSShowsWhoIsWho(t *testing.T) {
	authority, server, client := certificates(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	fake := serve(t, grpc.Creds(credentials.NewTLS(&tls.Config{
		Certificates: []tls.Certificate{pair(t, server)},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    pool,
	})))
	target := "https://" + fake.target
	known := connect(t, target, WithRootCA(authority), WithClientCertificate(client[0], client[1]))
	if err := give(t, known); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	for _, options := range [][]Option{nil, {WithRootCA(authority)}} {
		stranger := connect(t, target, options...)
		if _, err := stranger.GiveHat(ctx, room, "user@localhost", "urn:example:host"); err == nil {
			t.Error("it is let in")
		}
	}
}

func TestPlaintextIsForThisMachine(t *testing.T) {
	for target, works := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "http://127.9.9.9:1": true,
		"https://hats.example.com": true, "hats.example.com:1": true,
		"http://192.0.2.1:1": false, "http://hats.example.com": false, "ftp://127.0.0.1:1": false, "": false,
		"http://": false, "127.0.0.1:x": false,
	} {
		client, err := Connect(target)
		if (err == nil) != works {
			t.Errorf("%q: %v", target, err)
		}
		if err == nil {
			client.Close()
		} else if !errors.Is(err, ErrInvalidTarget) {
			t.Errorf("%q: %v", target, err)
		}
	}
	client, err := Connect("http://192.0.2.1:1", WithPlaintext())
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
}

func TestClosingEndsWhateverWaitsAndLeavesNothing(t *testing.T) {
	fake := serve(t)
	before := runtime.NumGoroutine()
	client := connect(t, fake.target)
	watch, mirror := client.Watch(Room(room)), client.Mirror(Room(room))
	if err := mirror.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	go func() {
		for {
			if _, err := watch.Next(context.Background()); err != nil {
				ended <- err
				return
			}
		}
	}()
	go func() {
		for _, err := range mirror.Changes(context.Background()) {
			if err != nil {
				ended <- err
			}
		}
	}()
	go func() { ended <- mirror.WaitForToken(context.Background(), "another") }()

	client.Close()
	client.Close()
	for range 3 {
		if err := <-ended; !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
		}
	}
	if err := give(t, client); !errors.Is(err, ErrClosed) {
		t.Errorf("%v", err)
	}
	// The server has goroutines of its own for a connection, which end when it notices.
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before,
				stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func TestAMirrorHoldsWhatTheWatchBrought(t *testing.T) {
	definition := &hatdpb.RoomDefinition{RoomJid: room, Definition: &hatdpb.HatDefinition{HatId: "urn:a"}}
	document := func(user string) *hatdpb.UserHats {
		hats := map[string]*hatdpb.Attachment{"urn:a": {Active: true}}
		return &hatdpb.UserHats{RoomJid: room, UserJid: user, Hats: hats}
	}
	var told []Change
	state := newMirrorState(func(change Change) { told = append(told, change) })
	apply := func(complete bool, users ...*hatdpb.UserHats) {
		state.apply(Reset{})
		state.apply(Snapshot{Page: &hatdpb.WatchSnapshot{
			Rooms: []*hatdpb.Room{{RoomJid: room}}, Users: users,
			Definitions: []*hatdpb.RoomDefinition{definition}, Complete: complete,
		}})
	}
	users := func() []string { return slices.Sorted(maps.Keys(state.rooms[room].users)) }

	apply(true, document("ann"), document("bob"))
	told = nil
	// A snapshot that is cut drops nothing, and one that says the same tells nothing.
	apply(false, document("bob"))
	if got := users(); !slices.Equal(got, []string{"ann", "bob"}) || told != nil {
		t.Errorf("%v, told %v", got, told)
	}
	apply(true, document("bob"))
	if got := users(); !slices.Equal(got, []string{"bob"}) || !slices.Equal(told, []Change{{room, "ann"}}) {
		t.Errorf("%v, told %v", got, told)
	}
	state.apply(Changes{Commits: []*hatdpb.Commit{{RoomJid: room, Revision: 9, RoomDeleted: true}}})
	if len(state.rooms) != 0 {
		t.Errorf("%v", state.rooms)
	}
}

// certificates returns a certificate authority, and a server and a client with a certificate and a key of
// it, in PEM.
func certificates(t *testing.T) (authority []byte, server, client [2][]byte) {
	t.Helper()
	serial := int64(0)
	sign := func(parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		serial++
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial),
			Subject:      pkix.Name{CommonName: "test"},
			NotBefore:    time.Now().Add(-time.Hour),
			NotAfter:     time.Now().Add(time.Hour),
			IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		}
		if parent == nil {
			template.IsCA, template.BasicConstraintsValid = true, true
			parent, parentKey = template, key
		}
		der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return certificate, key
	}
	encode := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	both := func(certificate *x509.Certificate, key *ecdsa.PrivateKey) [2][]byte {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		return [2][]byte{encode("CERTIFICATE", certificate.Raw), encode("PRIVATE KEY", der)}
	}
	root, rootKey := sign(nil, nil)
	return encode("CERTIFICATE", root.Raw), both(sign(root, rootKey)), both(sign(root, rootKey))
}

func pair(t *testing.T, pem [2][]byte) tls.Certificate {
	t.Helper()
	certificate, err := tls.X509KeyPair(pem[0], pem[1])
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}
