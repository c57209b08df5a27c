//! What differs in a mirror, told to those who listen.

use std::{
    collections::{HashSet, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::Stream;

use crate::Error;

/// What differs in a mirror. Read from the mirror what it has become.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Change {
    /// The room.
    pub room_jid: String,
    /// The user whose document in the room differs. Empty: the room's record or catalogue does.
    pub user_jid: String,
}

impl Change {
    pub(super) fn room(room_jid: &str) -> Self {
        Self::user(room_jid, "")
    }

    pub(super) fn user(room_jid: &str, user_jid: &str) -> Self {
        Self { room_jid: room_jid.to_owned(), user_jid: user_jid.to_owned() }
    }
}

/// The changes of a mirror since [`Mirror::changes`](super::Mirror::changes) was called: a stream
/// that ends after the error that ends the mirror.
///
/// It holds what has changed and was not taken yet, each room and user once, however often it has
/// changed: a slow listener misses states, and no change.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is polled"]
pub struct Changes(Arc<Listener>);

/// Where a mirror puts changes for one listener.
#[derive(Debug, Default)]
pub(super) struct Listener(Mutex<Inbox>);

#[derive(Debug, Default)]
struct Inbox {
    /// What has changed, first things first.
    order: VecDeque<Change>,
    /// The same, to see whether something is in there.
    queued: HashSet<Change>,
    end: Option<End>,
    waker: Option<Waker>,
}

#[derive(Debug)]
enum End {
    Ahead(Error),
    Told,
}

impl Changes {
    pub(super) fn new(listener: Arc<Listener>) -> Self {
        Self(listener)
    }
}

impl Stream for Changes {
    type Item = Result<Change, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut inbox = self.0.lock();
        if let Some(change) = inbox.order.pop_front() {
            inbox.queued.remove(&change);
            return Poll::Ready(Some(Ok(change)));
        }
        match inbox.end.replace(End::Told) {
            Some(End::Ahead(error)) => Poll::Ready(Some(Err(error))),
            Some(End::Told) => Poll::Ready(None),
            None => {
                inbox.end = None;
                inbox.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Listener {
    pub(super) fn tell(&self, changes: &[Change]) {
        let mut inbox = self.lock();
        for change in changes {
            if inbox.queued.insert(change.clone()) {
                inbox.order.push_back(change.clone());
            }
        }
        wake(inbox);
    }

    pub(super) fn end(&self, error: Error) {
        let mut inbox = self.lock();
        inbox.end = Some(End::Ahead(error));
        wake(inbox);
    }

    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(mut inbox: MutexGuard<'_, Inbox>) {
    let waker = inbox.waker.take();
    drop(inbox);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    #[test]
    fn what_changes_often_is_told_once_until_it_is_taken() {
        let listener = Arc::new(Listener::default());
        let mut changes = Changes::new(Arc::clone(&listener));
        assert!(changes.next().now_or_never().is_none());

        let (a, b) = (Change::user("room", "a"), Change::user("room", "b"));
        listener.tell(&[a.clone(), b.clone()]);
        listener.tell(from_ref(&a));
        let mut next = || changes.next().now_or_never();
        assert_eq!(next().unwrap().unwrap().unwrap(), a);
        listener.tell(from_ref(&a));
        assert_eq!(next().unwrap().unwrap().unwrap(), b);
        assert_eq!(next().unwrap().unwrap().unwrap(), a);
        assert!(next().is_none());
    }

    #[test]
    fn the_end_comes_after_what_has_changed() {
        let listener = Arc::new(Listener::default());
        listener.tell(&[Change::room("room")]);
        listener.end(Error::Closed);
        let told: Vec<_> = Changes::new(listener).collect().now_or_never().unwrap();
        assert!(matches!(told.as_slice(), [Ok(_), Err(Error::Closed)]), "{told:?}");
    }
}
