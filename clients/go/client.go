package hatd

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	grpcbackoff "google.golang.org/grpc/backoff"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/hatd/hatd/clients/go/hatdpb"
)

// Version is the version of this package, as it stands in the user agent.
const Version = "0.1.0"

const (
	// readTimeout is how long a read may take, retries included, unless said otherwise. Our choice.
	readTimeout = 5 * time.Second
	// writeTimeout is how long a write may take, retries included, unless said otherwise: long enough
	// for a server that is being replaced.
	writeTimeout = 30 * time.Second
	// connectTimeout is how long one attempt to connect may take. Our choice.
	connectTimeout = 5 * time.Second

	// connectDelayBase and connectDelayMax bound the delay between two attempts to connect. They are
	// shorter than those of calls and watches, which fail at once in between. Our choice.
	connectDelayBase = 50 * time.Millisecond
	connectDelayMax  = time.Second

	// keepaliveInterval is how often a connection is probed, also without calls, so that a dead one
	// is noticed.
	keepaliveInterval = 30 * time.Second
	// keepaliveTimeout is how long the answer to a probe may take.
	keepaliveTimeout = 10 * time.Second

	// streamWindow is how many bytes a stream may send ahead of its reader. Small against the
	// connection's window, so that dozens of watches nobody reads leave room for calls. Our choice.
	streamWindow = 128 << 10
	// connectionWindow is how many bytes all streams of a connection may send ahead of their readers.
	// Our choice.
	connectionWindow = 8 << 20

	// messageBytesMax is the longest response that is taken, in bytes: the limit of the contract.
	messageBytesMax = 4 << 20
)

var (
	errKeyEmpty      = errors.New("it is empty")
	errKeyCharacters = errors.New("it has characters that a header cannot carry")
	errNoCertificate = errors.New("no certificate in PEM")
)

// A Client is a connection to hatd. It may be used by many goroutines at once; one is enough for a
// program. A connection that breaks is made anew by itself.
type Client struct {
	hats     hatdpb.HatServiceClient
	rooms    hatdpb.RoomServiceClient
	wardrobe hatdpb.WardrobeServiceClient

	connection   *grpc.ClientConn
	tether       tether
	key          *keyring
	readTimeout  time.Duration
	writeTimeout time.Duration

	// ctx is done once the client is closed, with ErrClosed as its cause.
	ctx    context.Context
	cancel context.CancelCauseFunc
	tasks  tasks
}

// Connect returns a client of the hatd at target: "https://host:port" with TLS, or
// "http://host:port" without, which is for this machine only (localhost, 127.0.0.0/8, [::1]) unless
// [WithPlaintext] says otherwise. A bare "host:port" is without TLS on this machine if none of the
// options is about TLS, and with it anywhere else. Without a port it is the scheme's, 443 or 80.
//
// It connects with the first call, so that the server may start later.
//
// Errors: [ErrInvalidTarget]; and others with the code INVALID_ARGUMENT for an API key that is empty
// or that no header can carry, and for certificates that cannot be read.
func Connect(target string, options ...Option) (*Client, error) {
	settings := settings{readTimeout: readTimeout, writeTimeout: writeTimeout}
	for _, option := range options {
		option(&settings)
	}
	if settings.err != nil {
		return nil, settings.err
	}
	address, withTLS, err := settings.parse(target)
	if err != nil {
		return nil, newError(codes.InvalidArgument, ErrInvalidTarget, "invalid target %q: %v", target, err)
	}
	security := insecure.NewCredentials()
	if withTLS {
		security = credentials.NewTLS(settings.tls)
	}
	tether := newTether(security)
	userAgent := strings.TrimSpace(settings.userAgent + " hatd-go/" + Version)

	// The resolver passthrough leaves names to the dialer, which looks them up at each connect.
	connection, err := grpc.NewClient("passthrough:///"+address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(tether),
		grpc.WithUserAgent(userAgent),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: grpcbackoff.Config{
				BaseDelay:  connectDelayBase,
				Multiplier: 1.6,
				Jitter:     0.2,
				MaxDelay:   connectDelayMax,
			},
			MinConnectTimeout: connectTimeout,
		}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time:                keepaliveInterval,
			Timeout:             keepaliveTimeout,
			PermitWithoutStream: true,
		}),
		grpc.WithStaticStreamWindowSize(streamWindow),
		grpc.WithStaticConnWindowSize(connectionWindow),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytesMax)),
		// Retries are this package's, which knows what hatd's statuses mean.
		grpc.WithDisableRetry(),
		grpc.WithDisableServiceConfig(),
	}, settings.dial...)...)
	if err != nil {
		return nil, newError(codes.InvalidArgument, ErrInvalidTarget, "invalid target %q: %v", target, err)
	}

	ctx, cancel := context.WithCancelCause(context.Background())
	return &Client{
		hats:         hatdpb.NewHatServiceClient(connection),
		rooms:        hatdpb.NewRoomServiceClient(connection),
		wardrobe:     hatdpb.NewWardrobeServiceClient(connection),
		connection:   connection,
		tether:       tether,
		key:          settings.key,
		readTimeout:  settings.readTimeout,
		writeTimeout: settings.writeTimeout,
		ctx:          ctx,
		cancel:       cancel,
	}, nil
}

// Close ends the connection, and what is pending on it with [ErrClosed]: calls, watches, mirrors. It
// returns once the goroutines of the watches and mirrors have ended, so it is not to be called from
// their [Hooks]. Closing again does no harm. The error is always nil.
func (c *Client) Close() error {
	c.cancel(ErrClosed)
	c.connection.Close()
	c.tasks.close()
	return nil
}

// An Option is a setting of a [Client].
type Option func(*settings)

type settings struct {
	readTimeout  time.Duration
	writeTimeout time.Duration
	userAgent    string
	key          *keyring
	tls          *tls.Config
	plaintext    bool
	dial         []grpc.DialOption
	// err is what is wrong with an option.
	err error
}

// WithReadTimeout says how long a read may take, retries included, if its context has no deadline.
// Default: 5 s.
func WithReadTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.readTimeout = timeout }
}

// WithWriteTimeout says how long a write may take, retries included, if its context has no deadline.
// Default: 30 s, long enough for a hatd that is being replaced.
func WithWriteTimeout(timeout time.Duration) Option {
	return func(s *settings) { s.writeTimeout = timeout }
}

// WithUserAgent names the program, in front of this package's own name and version.
func WithUserAgent(program string) Option {
	return func(s *settings) { s.userAgent = program }
}

// WithAPIKey sends this API key with each call, as "authorization: Bearer KEY".
func WithAPIKey(key string) Option {
	return func(s *settings) {
		key, err := cleanKey(key)
		if err != nil {
			s.err = newError(codes.InvalidArgument, err, "invalid API key: %v", err)
			return
		}
		s.key = &keyring{current: key}
	}
}

// WithAPIKeyFrom sends the API key that source returns with each call, as "authorization: Bearer KEY".
//
// It is asked for a key before the first call, and for another when the server answers
// UNAUTHENTICATED: the call, or the watch, is then tried once more. Its error counts as UNAVAILABLE,
// so the call, or the watch, asks again after a while. It may be called by several goroutines at once.
func WithAPIKeyFrom(source func(context.Context) (string, error)) Option {
	return func(s *settings) { s.key = &keyring{source: source} }
}

// WithTLS gives the configuration of connections with TLS. Options about TLS that come later change a
// copy of it. Default: the system's roots, TLS 1.2 or later, no client certificate.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) { s.tls = config.Clone() }
}

// WithRootCA trusts the servers that these certificates, in PEM, have signed, and no others.
func WithRootCA(pem []byte) Option {
	return func(s *settings) {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			s.err = newError(codes.InvalidArgument, errNoCertificate, "invalid root CA: %v", errNoCertificate)
			return
		}
		s.withTLS().RootCAs = roots
	}
}

// WithClientCertificate shows this certificate, with its chain, to servers. Both are in PEM.
func WithClientCertificate(certificate, key []byte) Option {
	return func(s *settings) {
		pair, err := tls.X509KeyPair(certificate, key)
		if err != nil {
			s.err = newError(codes.InvalidArgument, err, "invalid client certificate: %v", err)
			return
		}
		s.withTLS().Certificates = []tls.Certificate{pair}
	}
}

// WithPlaintext allows "http://" to other machines: calls, answers and the API key are then readable on
// the way.
func WithPlaintext() Option {
	return func(s *settings) { s.plaintext = true }
}

// WithDialOptions hands options to grpc-go, after this package's own: interceptors, a stats handler, a
// dialer. They can undo what this package promises of retries, keepalive and flow control.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

func (s *settings) withTLS() *tls.Config {
	if s.tls == nil {
		s.tls = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return s.tls
}

// parse returns the address that a target stands for, with a port, and whether TLS protects it.
func (s *settings) parse(target string) (address string, withTLS bool, err error) {
	isBare := !strings.Contains(target, "://")
	if isBare {
		target = "//" + target
	}
	location, err := url.Parse(target)
	if err != nil {
		return "", false, errors.Unwrap(err)
	}
	if location.Hostname() == "" || strings.TrimSuffix(location.Path, "/") != "" ||
		location.User != nil || location.RawQuery != "" || location.Fragment != "" {
		return "", false, errors.New("it is not of the form https://host:port")
	}
	isLocal := isLoopback(location.Hostname())
	switch {
	case isBare:
		withTLS = s.tls != nil || !isLocal
	case location.Scheme == "https":
		withTLS = true
	case location.Scheme != "http":
		return "", false, fmt.Errorf("its scheme is %q, not https or http", location.Scheme)
	case s.tls != nil:
		return "", false, errors.New("it is without TLS, and an option is about TLS")
	case !isLocal && !s.plaintext:
		return "", false, errors.New("without TLS it must be this machine, or WithPlaintext")
	}
	if withTLS {
		s.withTLS()
	}

	port := location.Port()
	switch {
	case port != "":
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return "", false, fmt.Errorf("its port %s is not within 1 to 65535", port)
		}
	case withTLS:
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(location.Hostname(), port), withTLS, nil
}

// isLoopback reports whether a host is this machine.
func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && address.IsLoopback()
}
