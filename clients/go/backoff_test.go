package hatd

import (
	"testing"
	"time"
)

func TestDelaysStayUnderADoublingCeiling(t *testing.T) {
	for range 200 {
		delays := backoff{base: 100 * time.Millisecond, max: 30 * time.Second}
		ceiling := 100 * time.Millisecond
		for range 64 {
			if delay := delays.delay(0); delay < 0 || delay > min(ceiling, 30*time.Second) {
				t.Fatalf("%v > %v", delay, ceiling)
			}
			ceiling = min(ceiling*2, time.Minute)
		}
	}
}

func TestTheServersDelayWins(t *testing.T) {
	for _, hint := range []time.Duration{time.Millisecond, 7 * time.Second, time.Hour} {
		for range 200 {
			delays := backoff{base: 100 * time.Millisecond, max: 30 * time.Second}
			believed := min(hint, 5*time.Minute)
			if delay := delays.delay(hint); delay < believed || delay > believed*3/2 {
				t.Fatalf("%v for a hint of %v", delay, hint)
			}
		}
	}
}
