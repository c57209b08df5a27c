package hatd

import (
	"context"
	"strings"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
)

// A keyring keeps the API key that calls carry, and asks its source for another when it is refused.
// Nil: calls carry none.
type keyring struct {
	source func(context.Context) (string, error)

	mu      sync.Mutex
	current string
}

// sign returns a context for a call with the present key, and the key.
func (k *keyring) sign(ctx context.Context) (context.Context, string, *Error) {
	if k == nil {
		return ctx, "", nil
	}
	key, failure := k.key(ctx)
	if failure != nil {
		return ctx, "", failure
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key), key, nil
}

func (k *keyring) key(ctx context.Context) (string, *Error) {
	k.mu.Lock()
	key := k.current
	k.mu.Unlock()
	if key != "" {
		return key, nil
	}
	// Not under the lock: a slow source may hold up the caller's context only.
	key, err := k.source(ctx)
	if err != nil {
		return "", newError(codes.Unavailable, err, "no API key: %v", err)
	}
	if key, err = cleanKey(key); err != nil {
		return "", newError(codes.Unauthenticated, err, "no API key: %v", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.current = key
	return key, nil
}

// refuse takes a key that was refused out of use, and reports whether there may be another.
func (k *keyring) refuse(key string) bool {
	if k == nil || k.source == nil {
		return false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	// Another call may have got a newer one by now.
	if k.current == key {
		k.current = ""
	}
	return true
}

// cleanKey returns a key as it is sent: keys often come from files, so space around them is left out.
func cleanKey(key string) (string, error) {
	key = strings.TrimSpace(key)
	if key == "" {
		return "", errKeyEmpty
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errKeyCharacters
	}
	return key, nil
}
