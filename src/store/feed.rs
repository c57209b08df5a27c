//! Tells subscribers of new commits, and keeps the newest for them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Entry;
use crate::commit::{Commit, Mark, Position};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::planted::{self, Bug};

/// How many bytes of commits stand in memory for watchers that are nearly current;
/// others read the history. Our choice: some seconds of writes at full speed.
const RECENT_BYTES_MAX: usize = 16 << 20;

/// What a subscription is about. Any of it wakes the subscriber.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Everything.
    pub all: bool,
    /// Rooms of these domains.
    pub domains: Vec<Domain>,
    /// These rooms.
    pub rooms: Vec<RoomJid>,
    /// Documents of these users, and the deletion of any room.
    pub users: Vec<UserJid>,
}

/// The newest commits, the head of the history, and who waits for more.
pub(super) struct Feed {
    inner: Mutex<Inner>,
}

struct Inner {
    head: (Position, Mark),
    recent: VecDeque<(Entry, usize)>,
    recent_bytes: usize,
    next_id: u64,
    all: Waiters,
    domains: HashMap<String, Waiters>,
    rooms: HashMap<RoomJid, Waiters>,
    users: HashMap<UserJid, Waiters>,
}

type Waiters = HashMap<u64, Arc<Waiter>>;

/// Where one subscriber is told.
#[derive(Default)]
struct Waiter {
    /// The first position that touched the scope since [`Subscription::take`]; 0 if
    /// none did.
    first: AtomicU64,
    notify: Notify,
}

impl Waiter {
    fn touch(&self, position: Position) {
        // A position already noted is earlier: it stays, and its waiter is woken already.
        let noted =
            self.first.compare_exchange(0, position.get(), Ordering::AcqRel, Ordering::Acquire);
        if noted.is_ok() {
            self.notify.notify_one();
        }
    }
}

impl Feed {
    /// A feed whose history ends at a position.
    pub(super) fn new(head: (Position, Mark)) -> Arc<Self> {
        let inner = Inner {
            head,
            recent: VecDeque::new(),
            recent_bytes: 0,
            next_id: 0,
            all: Waiters::new(),
            domains: HashMap::new(),
            rooms: HashMap::new(),
            users: HashMap::new(),
        };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The newest position, and its mark.
    pub(super) fn head(&self) -> (Position, Mark) {
        self.lock().head
    }

    /// Makes commits visible, each with its size in bytes, and wakes those whose scope
    /// they touch.
    pub(super) fn publish(&self, entries: Vec<(Entry, usize)>) {
        let mut inner = self.lock();
        for (entry, bytes) in entries {
            inner.touch(&entry.commit, entry.position);
            inner.head = (entry.position, entry.mark);
            inner.recent_bytes += bytes;
            inner.recent.push_back((entry, bytes));
        }
        while inner.recent_bytes > RECENT_BYTES_MAX && inner.recent.len() > 1 {
            let dropped = inner.recent.pop_front().map_or(0, |(_, bytes)| bytes);
            inner.recent_bytes -= dropped;
        }
    }

    /// The commits after a position, up to `bytes` of them but at least one; none if
    /// the position is older than those kept here.
    pub(super) fn recent_after(&self, position: Position, bytes: usize) -> Option<Vec<Entry>> {
        let inner = self.lock();
        if position >= inner.head.0 {
            return Some(Vec::new());
        }
        let oldest = inner.recent.front()?.0.position;
        if position.next() < oldest {
            return None;
        }
        let mut skip = usize::try_from(position.next().get() - oldest.get()).ok()?;
        if planted::has(Bug::WatchSkipsCommit) && skip + 1 < inner.recent.len() {
            skip += 1;
        }
        let mut total = 0;
        let within = |(_, len): &&(Entry, usize)| {
            let first = total == 0;
            total += len;
            first || total <= bytes
        };
        let entries = inner.recent.iter().skip(skip).take_while(within);
        Some(entries.map(|(entry, _)| entry.clone()).collect())
    }

    /// The mark at a position, if the commit there is kept here.
    pub(super) fn recent_mark(&self, position: Position) -> Option<Mark> {
        let inner = self.lock();
        if position == inner.head.0 {
            return Some(inner.head.1);
        }
        let oldest = inner.recent.front()?.0.position;
        let at = position.get().checked_sub(oldest.get())?;
        inner.recent.get(usize::try_from(at).ok()?).map(|(entry, _)| entry.mark)
    }

    /// Subscribes to commits from now on.
    pub(super) fn subscribe(self: &Arc<Self>, scope: Scope) -> Subscription {
        let waiter = Arc::new(Waiter::default());
        let mut inner = self.lock();
        inner.next_id += 1;
        let id = inner.next_id;
        if scope.all {
            inner.all.insert(id, Arc::clone(&waiter));
        }
        for domain in &scope.domains {
            let waiters = inner.domains.entry(domain.as_str().to_owned()).or_default();
            waiters.insert(id, Arc::clone(&waiter));
        }
        for room in &scope.rooms {
            inner.rooms.entry(room.clone()).or_default().insert(id, Arc::clone(&waiter));
        }
        for user in &scope.users {
            inner.users.entry(user.clone()).or_default().insert(id, Arc::clone(&waiter));
        }
        drop(inner);
        Subscription { feed: Arc::clone(self), id, scope, waiter }
    }
}

impl Inner {
    fn touch(&self, commit: &Commit, position: Position) {
        let hats = commit.users.iter().filter(|user| user.concerns_hats());
        let room_level = commit.room.is_some()
            || commit.room_deleted
            || !commit.definitions.is_empty()
            || !commit.removed_definitions.is_empty();
        let touch = |waiters: &Waiters| {
            for waiter in waiters.values() {
                waiter.touch(position);
            }
        };
        if room_level || hats.clone().next().is_some() {
            touch(&self.all);
            self.domains.get(commit.room_jid.domain()).into_iter().for_each(touch);
            self.rooms.get(&commit.room_jid).into_iter().for_each(touch);
        }
        if commit.room_deleted {
            self.users.values().for_each(touch);
        } else {
            hats.filter_map(|user| self.users.get(&user.user_jid)).for_each(touch);
        }
    }
}

/// What [`Subscription::take`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The first position that touched the scope.
    pub first: Option<Position>,
    /// The newest position, and its mark.
    pub head: (Position, Mark),
}

/// Commits that touch a scope. Dropping it ends the subscription.
pub struct Subscription {
    feed: Arc<Feed>,
    id: u64,
    scope: Scope,
    waiter: Arc<Waiter>,
}

impl Subscription {
    /// What has touched the scope since this was last called, and the head: as one, so
    /// that no commit up to the head touched the scope before `first`, or at all if
    /// there is none.
    pub fn take(&self) -> Taken {
        // Commits are noted and the head moves under the same lock.
        let inner = self.feed.lock();
        let first = match self.waiter.first.swap(0, Ordering::AcqRel) {
            0 => None,
            position => Some(Position::new(position)),
        };
        Taken { first, head: inner.head }
    }

    /// Waits until the scope is touched. May end early.
    pub async fn touched(&self) {
        if self.waiter.first.load(Ordering::Acquire) == 0 {
            self.waiter.notify.notified().await;
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut inner = self.feed.lock();
        inner.all.remove(&self.id);
        for domain in &self.scope.domains {
            leave(&mut inner.domains, domain.as_str(), self.id);
        }
        for room in &self.scope.rooms {
            leave(&mut inner.rooms, room, self.id);
        }
        for user in &self.scope.users {
            leave(&mut inner.users, user, self.id);
        }
    }
}

fn leave<K, Q>(map: &mut HashMap<K, Waiters>, key: &Q, id: u64)
where
    K: std::borrow::Borrow<Q> + Eq + std::hash::Hash,
    Q: Eq + std::hash::Hash + ?Sized,
{
    if let Some(waiters) = map.get_mut(key) {
        waiters.remove(&id);
        if waiters.is_empty() {
            map.remove(key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit::Cause;
    use crate::hat::Revision;
    use crate::time::Timestamp;

    fn entry(number: u64) -> Entry {
        let commit = Commit {
            room_jid: RoomJid::parse("den@rooms.example").unwrap(),
            revision: Revision::new(number),
            time: Timestamp::MIN,
            cause: Cause::Request,
            context: None,
            room: None,
            room_deleted: false,
            users: Vec::new(),
            definitions: Vec::new(),
            removed_definitions: Vec::new(),
            request: None,
        };
        let mark = Mark(u32::try_from(number).unwrap());
        Entry { position: Position::new(number), mark, commit: Arc::new(commit) }
    }

    #[test]
    fn the_oldest_commits_make_room_for_the_newest() {
        let feed = Feed::new((Position::new(4), Mark(4)));
        for number in 5..=8 {
            feed.publish(vec![(entry(number), RECENT_BYTES_MAX / 2)]);
        }

        for gone in [0, 4, 5] {
            assert_eq!(feed.recent_after(Position::new(gone), usize::MAX), None, "{gone}");
        }
        let all = feed.recent_after(Position::new(6), usize::MAX);
        assert_eq!(all, Some(vec![entry(7), entry(8)]));
        assert_eq!(feed.recent_after(Position::new(6), 0), Some(vec![entry(7)]));
        assert_eq!(feed.recent_after(Position::new(8), 0), Some(Vec::new()));
        assert_eq!(feed.recent_mark(Position::new(6)), None);
        assert_eq!(feed.recent_mark(Position::new(7)), Some(Mark(7)));
    }

    #[test]
    fn a_head_that_is_taken_includes_what_touched_the_scope_meanwhile() {
        let feed = Feed::new((Position::START, Mark::ORIGIN));
        let subscription = feed.subscribe(Scope { all: true, ..Scope::default() });
        let touching = |number| {
            let (mut entry, bytes) = (entry(number), 1);
            Arc::get_mut(&mut entry.commit).unwrap().room_deleted = true;
            vec![(entry, bytes)]
        };
        // The second is noted together with the first, which nobody has taken yet.
        feed.publish(touching(1));
        feed.publish(touching(2));
        let head = (Position::new(2), Mark(2));
        assert_eq!(subscription.take(), Taken { first: Some(Position::new(1)), head });
        assert_eq!(subscription.take(), Taken { first: None, head });
    }

    #[test]
    fn a_commit_larger_than_all_room_is_kept() {
        let feed = Feed::new((Position::START, Mark::ORIGIN));
        feed.publish(vec![(entry(1), 1), (entry(2), RECENT_BYTES_MAX + 1)]);
        assert_eq!(feed.recent_after(Position::new(1), 0), Some(vec![entry(2)]));
        assert_eq!(feed.recent_after(Position::START, 0), None);
    }
}
