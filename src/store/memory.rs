//! The executable specification: a store that says what a store does, in memory.
//!
//! It is as plain as it can be, and forgets everything when dropped: for tests.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::feed::{Feed, Scope, Subscription};
use super::page::{
    DocumentFilter, Filler, Page, PageLimit, definition_bytes, document_bytes, room_bytes,
};
use super::{Entry, Error, Located, Options, Outcome, Store, outcome};
use crate::command::{Command, Env, Request, RoomState, Unreadable, UserRange, View, decide};
use crate::commit::{Commit, Counts, Identity, Mark, Position, RequestKey};
use crate::hat::{Document, HatDefinition, HatId, Revision, Room};
use crate::jid::{Domain, RoomJid, UserJid};
use crate::time::Timestamp;

/// A store in memory.
pub struct Memory {
    options: Options,
    identity: Identity,
    feed: Arc<Feed>,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    state: State,
    /// Every commit, with its size.
    history: Vec<(Entry, usize)>,
    requests: HashMap<RequestKey, Position>,
    closed: bool,
}

/// The current state.
#[derive(Default)]
struct State {
    rooms: BTreeMap<RoomJid, RoomState>,
    documents: BTreeMap<RoomJid, BTreeMap<UserJid, Document>>,
    definitions: BTreeMap<RoomJid, BTreeMap<HatId, HatDefinition>>,
}

impl Memory {
    /// An empty store.
    pub fn new(options: Options) -> Self {
        let identity = Identity { store: *uuid::Uuid::new_v4().as_bytes(), epoch: 1 };
        let feed = Feed::new((Position::START, Mark::ORIGIN));
        Self { options, identity, feed, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Timestamp {
        (self.options.clock)()
    }

    fn apply_now(&self, request: &Request) -> Result<Outcome, Error> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(Error::WritesStopped);
        }
        if let Some(outcome) = self.replay(&inner, request)? {
            return Ok(outcome);
        }

        let mut done = Counts::default();
        loop {
            let env = Env {
                now: self.now(),
                next: Revision::new(self.feed.head().0.next().get()),
                limits: &self.options.limits,
                commit_len: self.options.commit_len,
                done,
            };
            let decision = decide(request, &inner.state, &env)?;
            done = decision.answer.counts;
            let last = decision.commits.last().map(|commit| commit.revision);
            for commit in decision.commits {
                self.commit(&mut inner, commit);
            }
            if !decision.unfinished {
                let head = self.feed.head();
                return Ok(match last {
                    Some(revision) => outcome::changed(decision.answer, revision, head),
                    None => outcome::unchanged(decision.answer, head),
                });
            }
        }
    }

    fn replay(&self, inner: &Inner, request: &Request) -> Result<Option<Outcome>, Error> {
        let Some(key) = &request.key else { return Ok(None) };
        let Some(entry) = inner.requests.get(key).and_then(|at| inner.entry(*at)) else {
            return Ok(None);
        };
        let Some(done) = &entry.commit.request else { return Ok(None) };
        if self.now().since(entry.commit.time) >= self.options.request_id_ttl {
            return Ok(None);
        }
        outcome::check_same(key, done.fingerprint, request.fingerprint())?;
        Ok(Some(outcome::replayed(entry, done, &inner.state)?))
    }

    fn commit(&self, inner: &mut Inner, commit: Commit) {
        inner.state.apply(&commit);
        let position = self.feed.head().0.next();
        if let Some(request) = &commit.request {
            inner.requests.insert(request.key.clone(), position);
        }
        let bytes = (self.options.commit_len)(&commit);
        let mark = Mark(crc32c::crc32c(format!("{commit:?}").as_bytes()));
        let entry = Entry { position, mark, commit: Arc::new(commit) };
        inner.history.push((entry.clone(), bytes));
        self.feed.publish(vec![(entry, bytes)]);
    }

    /// The position below which the history is no longer shown.
    fn floor(&self, inner: &Inner) -> Position {
        let oldest = self.now().saturating_sub(self.options.retention.age);
        let mut bytes: u64 = 0;
        let kept = inner.history.iter().rev().take_while(|(entry, len)| {
            bytes += *len as u64;
            bytes <= self.options.retention.bytes && entry.commit.time >= oldest
        });
        let dropped = inner.history.len() - kept.count();
        Position::new(dropped as u64)
    }

    fn list<K: Ord + Clone, V: Clone>(
        items: Option<&BTreeMap<K, V>>,
        after: Option<&K>,
        limit: PageLimit,
        size: impl Fn(&K, &V) -> Option<usize>,
    ) -> Page<K, V> {
        let mut filler = Filler::new(limit);
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        for (key, value) in items.into_iter().flat_map(|it| it.range((from, Bound::Unbounded))) {
            if filler.is_full(key, size(key, value).map(|bytes| (value.clone(), bytes))) {
                break;
            }
        }
        filler.finish()
    }
}

impl Inner {
    fn entry(&self, position: Position) -> Option<&Entry> {
        let index = usize::try_from(position.get().checked_sub(1)?).ok()?;
        self.history.get(index).map(|(entry, _)| entry)
    }
}

impl State {
    fn apply(&mut self, commit: &Commit) {
        let room_jid = &commit.room_jid;
        if commit.room_deleted {
            self.rooms.remove(room_jid);
            self.documents.remove(room_jid);
            self.definitions.remove(room_jid);
            return;
        }
        let before = self.rooms.get(room_jid).map(|state| state.room);
        let room = commit.room.or(before).unwrap_or_default();
        self.rooms.insert(room_jid.clone(), RoomState { room, head: commit.revision });
        let documents = self.documents.entry(room_jid.clone()).or_default();
        for user in &commit.users {
            if user.document.is_absent() {
                documents.remove(&user.user_jid);
            } else {
                documents.insert(user.user_jid.clone(), user.document.clone());
            }
        }
        let definitions = self.definitions.entry(room_jid.clone()).or_default();
        for definition in &commit.definitions {
            definitions.insert(definition.hat_id.clone(), definition.clone());
        }
        for hat in &commit.removed_definitions {
            definitions.remove(hat);
        }
    }

    /// Users who have hats that are due, by room: the room of the hat due first comes first.
    fn due(&self, now: Timestamp) -> Vec<(RoomJid, BTreeSet<UserJid>)> {
        let due_first = |document: &Document| {
            let times = document.hats.values().filter_map(|had| had.expire_time);
            times.filter(|time| *time <= now).min()
        };
        let rooms = self.documents.iter().filter_map(|(room, documents)| {
            Some((documents.values().filter_map(due_first).min()?, room, documents))
        });
        let mut rooms: Vec<_> = rooms.collect();
        rooms.sort_by_key(|(time, room, _)| (*time, *room));
        let due = rooms.into_iter().map(|(_, room, documents)| {
            let users = documents.iter().filter(|(_, document)| due_first(document).is_some());
            (room.clone(), users.map(|(user, _)| user.clone()).collect())
        });
        due.collect()
    }
}

/// The records of a domain's rooms, or all, in order.
fn flatten<K: Ord + Clone, V: Clone>(
    rooms: &BTreeMap<RoomJid, BTreeMap<K, V>>,
    domain: Option<&Domain>,
) -> BTreeMap<(RoomJid, K), V> {
    let of_domain = |room: &RoomJid| domain.is_none_or(|it| it.as_str() == room.domain());
    let rooms = rooms.iter().filter(|(room, _)| of_domain(room));
    rooms
        .flat_map(|(room, records)| {
            records.iter().map(|(key, value)| ((room.clone(), key.clone()), value.clone()))
        })
        .collect()
}

impl View for State {
    fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Unreadable> {
        Ok(self.rooms.get(room).copied())
    }

    fn document(&self, room: &RoomJid, user: &UserJid) -> Result<Document, Unreadable> {
        let document = self.documents.get(room).and_then(|documents| documents.get(user));
        Ok(document.cloned().unwrap_or_default())
    }

    fn each_document(
        &self,
        room: &RoomJid,
        range: &UserRange,
        show: &mut dyn FnMut(UserJid, Document) -> ControlFlow<()>,
    ) -> Result<(), Unreadable> {
        for (user, document) in self.documents.get(room).into_iter().flatten() {
            if range.contains(user) && show(user.clone(), document.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn users_with_hat(
        &self,
        room: &RoomJid,
        hat: &HatId,
        limit: usize,
    ) -> Result<Vec<UserJid>, Unreadable> {
        let documents = self.documents.get(room).into_iter().flatten();
        let wearers = documents.filter(|(_, document)| document.hats.contains_key(hat));
        Ok(wearers.map(|(user, _)| user.clone()).take(limit).collect())
    }

    fn rooms_of(&self, user: &UserJid, limit: usize) -> Result<Vec<RoomJid>, Unreadable> {
        let rooms = self.documents.iter().filter(|(_, documents)| documents.contains_key(user));
        Ok(rooms.map(|(room, _)| room.clone()).take(limit).collect())
    }

    fn definition(&self, room: &RoomJid, hat: &HatId) -> Result<Option<HatDefinition>, Unreadable> {
        Ok(self.definitions.get(room).and_then(|definitions| definitions.get(hat)).cloned())
    }

    fn definition_count(&self, room: &RoomJid) -> Result<usize, Unreadable> {
        Ok(self.definitions.get(room).map_or(0, BTreeMap::len))
    }
}

#[async_trait]
impl Store for Memory {
    async fn apply(&self, request: Request) -> Result<Outcome, Error> {
        self.apply_now(&request)
    }

    async fn expire(&self) -> Result<(), Error> {
        loop {
            let inner = self.lock();
            if inner.closed {
                return Err(Error::WritesStopped);
            }
            let due = inner.state.due(self.now());
            drop(inner);
            let mut any = false;
            for (room_jid, user_jids) in due {
                let request = Request::new(Command::Expire { room_jid, user_jids });
                any |= self.apply_now(&request)?.changed;
            }
            if !any {
                // Nothing was due, or the clock has stepped back, and what was due is so no more.
                return Ok(());
            }
        }
    }

    fn identity(&self) -> Identity {
        self.identity
    }

    fn head(&self) -> (Position, Mark) {
        self.feed.head()
    }

    async fn settled(&self) -> Result<(Position, Mark), Error> {
        Ok(self.feed.head())
    }

    async fn locate(&self, position: Position, mark: Mark) -> Result<Located, Error> {
        let inner = self.lock();
        let here = match position {
            Position::START => Some(Mark::ORIGIN),
            position => inner.entry(position).map(|entry| entry.mark),
        };
        Ok(match here {
            Some(here) if here != mark => Located::Elsewhere,
            None => Located::Elsewhere,
            Some(_) if position < self.floor(&inner) => Located::Expired,
            Some(_) => Located::Here,
        })
    }

    async fn commits_after(&self, position: Position, bytes: usize) -> Result<Vec<Entry>, Error> {
        let inner = self.lock();
        if position < self.floor(&inner) {
            return Err(Error::Expired);
        }
        let mut total = 0;
        let skip = usize::try_from(position.get()).unwrap_or(usize::MAX);
        let entries = inner.history.iter().skip(skip).take_while(|(_, len)| {
            let first = total == 0;
            total += len;
            first || total <= bytes
        });
        Ok(entries.map(|(entry, _)| entry.clone()).collect())
    }

    fn subscribe(&self, scope: Scope) -> Subscription {
        self.feed.subscribe(scope)
    }

    async fn room(&self, room: &RoomJid) -> Result<Option<RoomState>, Error> {
        Ok(self.lock().state.room(room)?)
    }

    async fn document(
        &self,
        room: &RoomJid,
        user: &UserJid,
    ) -> Result<(Option<RoomState>, Document), Error> {
        let inner = self.lock();
        Ok((inner.state.room(room)?, inner.state.document(room, user)?))
    }

    async fn rooms(
        &self,
        domain: Option<&Domain>,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Room>, Error> {
        let inner = self.lock();
        let of_domain = |room: &RoomJid| domain.is_none_or(|it| it.as_str() == room.domain());
        let rooms = inner.state.rooms.iter().filter(|(room, _)| of_domain(room));
        let rooms = rooms.map(|(room, state)| (room.clone(), state.room)).collect();
        let size = |room: &RoomJid, _: &Room| Some(room_bytes(room.as_str().len()));
        Ok(Self::list(Some(&rooms), after, limit, size))
    }

    async fn documents(
        &self,
        room: &RoomJid,
        filter: &DocumentFilter,
        after: Option<&UserJid>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<UserJid, Document>), Error> {
        let inner = self.lock();
        let page = Self::list(inner.state.documents.get(room), after, limit, |user, document| {
            let key_bytes = room.as_str().len() + user.as_str().len();
            filter.matches(document).then(|| document_bytes(key_bytes, document))
        });
        Ok((inner.state.room(room)?, page))
    }

    async fn documents_of(
        &self,
        user: &UserJid,
        after: Option<&RoomJid>,
        limit: PageLimit,
    ) -> Result<Page<RoomJid, Document>, Error> {
        let inner = self.lock();
        let documents = inner.state.documents.iter();
        let of_user = documents
            .filter_map(|(room, users)| Some((room.clone(), users.get(user)?.clone())))
            .collect();
        Ok(Self::list(Some(&of_user), after, limit, |room, document| {
            let key_bytes = room.as_str().len() + user.as_str().len();
            document.has_hats().then(|| document_bytes(key_bytes, document))
        }))
    }

    async fn definitions(
        &self,
        room: &RoomJid,
        after: Option<&HatId>,
        limit: PageLimit,
    ) -> Result<(Option<RoomState>, Page<HatId, HatDefinition>), Error> {
        let inner = self.lock();
        let page =
            Self::list(inner.state.definitions.get(room), after, limit, |hat, definition| {
                Some(definition_bytes(hat.as_str().len() + room.as_str().len(), definition))
            });
        Ok((inner.state.room(room)?, page))
    }

    async fn all_documents(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &UserJid)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, UserJid), Document>, Error> {
        let inner = self.lock();
        let all = flatten(&inner.state.documents, domain);
        let after = after.map(|(room, user)| (room.clone(), user.clone()));
        Ok(Self::list(Some(&all), after.as_ref(), limit, |(room, user), document| {
            let key_bytes = room.as_str().len() + user.as_str().len();
            document.has_hats().then(|| document_bytes(key_bytes, document))
        }))
    }

    async fn all_definitions(
        &self,
        domain: Option<&Domain>,
        after: Option<(&RoomJid, &HatId)>,
        limit: PageLimit,
    ) -> Result<Page<(RoomJid, HatId), HatDefinition>, Error> {
        let inner = self.lock();
        let all = flatten(&inner.state.definitions, domain);
        let after = after.map(|(room, hat)| (room.clone(), hat.clone()));
        Ok(Self::list(Some(&all), after.as_ref(), limit, |(room, hat), definition| {
            Some(definition_bytes(hat.as_str().len() + room.as_str().len(), definition))
        }))
    }

    fn maintenance(&self) -> Option<&dyn super::Maintenance> {
        None
    }

    async fn close(&self) -> Result<(), Error> {
        self.lock().closed = true;
        Ok(())
    }
}
