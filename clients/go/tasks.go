package hatd

import "sync"

// tasks counts goroutines, so that closing can wait for them. The zero value is ready.
type tasks struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// start counts one more goroutine, which must call running.Done. False: closed, start none.
func (t *tasks) start() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.running.Add(1)
	return true
}

// close lets no more goroutines start, and waits for those that run.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.running.Wait()
}
