package hatd

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// A tether is transport credentials that keep hold of the connection under them, so that one on which a
// watch fell silent can be cut: a new stream on a connection that is half open would be as silent, until
// the keepalive notices.
type tether struct {
	credentials.TransportCredentials
	held *heldConnection
}

type heldConnection struct {
	mu         sync.Mutex
	connection net.Conn
}

func newTether(under credentials.TransportCredentials) tether {
	return tether{under, new(heldConnection)}
}

// ClientHandshake does the handshake of the credentials under the tether.
func (t tether) ClientHandshake(
	ctx context.Context, authority string, connection net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	t.held.mu.Lock()
	t.held.connection = connection
	t.held.mu.Unlock()
	return t.TransportCredentials.ClientHandshake(ctx, authority, connection)
}

// Clone returns a tether to the same connection.
func (t tether) Clone() credentials.TransportCredentials {
	return tether{t.TransportCredentials.Clone(), t.held}
}

// cut closes the connection that a call was made on, unless another has taken its place.
func (t tether) cut(call context.Context) {
	side, ok := peer.FromContext(call)
	t.held.mu.Lock()
	defer t.held.mu.Unlock()
	if ok && t.held.connection != nil && side.LocalAddr.String() == t.held.connection.LocalAddr().String() {
		t.held.connection.Close()
	}
}
