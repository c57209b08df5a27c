package hatd

import (
	"math/rand/v2"
	"time"
)

// hintMax is the longest that a server's own delay is believed. Our choice.
const hintMax = 5 * time.Minute

// backoff says how long to wait before trying again: exponential with full jitter, uniform in zero
// to a ceiling that doubles.
type backoff struct {
	base, max time.Duration
	attempts  int
}

// reset begins again at the shortest delays.
func (b *backoff) reset() {
	b.attempts = 0
}

// delay returns the delay before the next attempt.
//
// A delay that the server gave wins over ours, prolonged by up to a half, so that the clients it was
// given to do not come back together.
func (b *backoff) delay(hint time.Duration) time.Duration {
	ceiling := max(0, min(b.base<<min(b.attempts, 16), b.max))
	b.attempts++
	if hint > 0 {
		hint = min(hint, hintMax)
		return hint + rand.N(hint/2+1)
	}
	return rand.N(ceiling + 1)
}
