//! The task of a mirror: it applies what its watch gives, and answers those who wait.

use std::{
    mem::take,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak},
};

use futures_util::future::OptionFuture;
use tokio::{
    select,
    sync::{mpsc, watch},
    time::{Instant, sleep_until},
};

use super::{
    changes::{Changes, Listener},
    state::State,
    wait::{Wait, Waits},
};
use crate::{Counters, Disconnect, Error, Event, Watch};

/// Whether a mirror is ready, or what ended it. None: neither.
pub(super) type Phase = Option<Result<(), Error>>;

/// What a mirror's task writes and its users read.
#[derive(Debug)]
pub(super) struct Shared(RwLock<Held>);

#[derive(Debug)]
pub(super) struct Held {
    pub(super) state: State,
    pub(super) token: Option<String>,
    pub(super) counters: Counters,
    pub(super) last_response: Option<Instant>,
    pub(super) last_disconnect: Option<Disconnect>,
    listeners: Vec<Weak<Listener>>,
    /// What ended the mirror.
    end: Option<Error>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self(RwLock::new(Held {
            state: State::new(),
            token: None,
            counters: Counters::default(),
            last_response: None,
            last_disconnect: None,
            listeners: Vec::new(),
            end: None,
        }))
    }

    pub(super) fn read(&self) -> RwLockReadGuard<'_, Held> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn listen(&self) -> Changes {
        let listener = Arc::new(Listener::default());
        let mut held = self.write();
        match &held.end {
            Some(error) => listener.end(error.clone()),
            None => held.listeners.push(Arc::downgrade(&listener)),
        }
        Changes::new(listener)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Held> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Applies an event, and tells the listeners that are still there.
    fn apply(&mut self, event: Event) {
        let changes = self.state.apply(event);
        if changes.is_empty() {
            return;
        }
        self.listeners.retain(|listener| match listener.upgrade() {
            Some(listener) => {
                listener.tell(&changes);
                true
            }
            None => false,
        });
    }

    /// Takes over what the watch says of itself.
    fn follow(&mut self, watch: &Watch) {
        let counters = watch.counters();
        if counters.chain_breaks > self.counters.chain_breaks {
            self.state.mark_stale();
        }
        if counters.reconnects > self.counters.reconnects {
            self.last_disconnect = watch.last_disconnect().cloned();
        }
        self.counters = counters;
        self.last_response = watch.last_response();
        self.token = watch.token().map(str::to_owned);
    }

    fn end(&mut self, error: &Error) {
        self.state.mark_stale();
        self.last_disconnect = Some(Disconnect::Failed(error.clone()));
        self.end = Some(error.clone());
        for listener in take(&mut self.listeners) {
            if let Some(listener) = listener.upgrade() {
                listener.end(error.clone());
            }
        }
    }
}

/// What a mirror's task owns.
pub(super) struct Driver {
    pub(super) watch: Watch,
    pub(super) shared: Arc<Shared>,
    pub(super) phase: watch::Sender<Phase>,
    pub(super) waits: Waits,
    /// Those who begin to wait.
    pub(super) begun: mpsc::Receiver<Wait>,
}

impl Driver {
    /// Keeps the state current until the watch ends for good.
    pub(super) async fn run(mut self) {
        let error = loop {
            if let Err(error) = self.step().await {
                break error;
            }
        };
        // Listeners and callers find out in that order: who sees the end can read all of it.
        self.shared.write().end(&error);
        self.phase.send_replace(Some(Err(error)));
    }

    async fn step(&mut self) -> Result<(), Error> {
        let shows_until = OptionFuture::from(self.waits.shows_until().map(sleep_until));
        select! {
            step = self.watch.advance() => match step {
                Ok(event) => self.take(event),
                // What was asked for is no good, and the mirror is: it goes on without.
                Err(error) if self.waits.refuse(&error) => self.watch.ask_for(String::new()),
                Err(error) => return Err(error),
            },
            Some(wait) = self.begun.recv() => {
                self.waits.begin(wait, &self.shared.read().state, Instant::now());
            }
            Some(()) = shows_until => self.waits.give_up_showing(Instant::now()),
            // A position that nobody waits for any more must not keep a stream from opening.
            () = self.waits.abandoned() => self.watch.ask_for(String::new()),
        }
        if !self.shared.read().state.is_stale()
            && let Some(token) = self.waits.ask()
        {
            self.watch.ask_for(token);
        }
        Ok(())
    }

    /// Applies an event, if one came, whole and under one lock: nobody sees half of it.
    fn take(&mut self, event: Option<Event>) {
        let is_reset = matches!(event, Some(Event::Reset { .. }));
        let is_bookmark = matches!(event, Some(Event::Bookmark { .. }));
        let mut held = self.shared.write();
        if let Some(event) = event {
            held.apply(event);
        }
        self.watch.processed();
        held.follow(&self.watch);

        if is_reset {
            self.waits.reset();
        }
        if is_bookmark {
            self.waits.bookmark();
        }
        self.waits.show(&held.state);
        let is_ready = !held.state.is_stale();
        drop(held);
        if is_ready && self.phase.borrow().is_none() {
            self.phase.send_replace(Some(Ok(())));
        }
    }
}
