//! The one thread that writes: it takes what is waiting, decides it, makes it durable
//! with one fdatasync, shows it, and answers.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::documents::Documents;
use super::durable::Durable;
use super::history::{self, History};
use super::keeper;
use super::log::Appender;
use super::space::Space;
use crate::command::{Command, Decision, Env, Overlay, Request, decide};
use crate::commit::{Commit, Counts, Mark, Position, RequestKey};
use crate::hat::Revision;
use crate::jid::{RoomJid, UserJid};
use crate::planted::{self, Bug};
use crate::store::feed::Feed;
use crate::store::{Entry, Error, Options, Outcome, Writes, outcome};
use crate::time::Timestamp;

/// How many writes wait at most. Full: callers wait, and are refused after a while.
pub(super) const QUEUE_LEN: usize = 4096;

/// How many writes share one fdatasync at most. Our choice: past this the processor is
/// the limit, not the disk, and the first of a batch would only wait longer.
const BATCH_LEN: usize = 256;

/// How many bytes of commits end a batch early. Our choice, to bound its memory.
const BATCH_BYTES: usize = 8 << 20;

/// How many old request ids each batch forgets at most. More than a batch adds.
const FORGET_PER_BATCH: usize = 2 * BATCH_LEN;

/// How many documents hats are ended in by one batch at most.
const DUE_PER_BATCH: usize = 500;

/// How long a batch takes writes in at most. Our choice: a fraction of what those that
/// are in it wait for the disk.
const BATCH_TIME: Duration = Duration::from_millis(5);

/// What the writer is asked to do.
#[expect(clippy::large_enum_variant, reason = "nearly all jobs are the large one")]
pub(super) enum Job {
    /// Decide and commit a request. Dropping the other end of `reply` before the
    /// writer comes to it takes the request back.
    Apply {
        /// What to do.
        request: Request,
        /// Where to answer.
        reply: oneshot::Sender<Result<Outcome, Error>>,
    },
    /// End hats that are due, as many as one batch holds.
    Expire {
        /// Where to say whether there is more to end.
        reply: oneshot::Sender<Result<bool, Error>>,
    },
    /// Finish what came before, put the state away, and end.
    Close {
        /// Where to say up to which position it was put away.
        reply: oneshot::Sender<Result<(Position, Mark), Error>>,
    },
}

/// The writer's own state.
pub(super) struct Writer {
    pub(super) documents: Arc<Documents>,
    pub(super) appender: Appender,
    pub(super) durable: Durable,
    pub(super) history: History,
    pub(super) feed: Arc<Feed>,
    pub(super) keeper: keeper::Handle,
    pub(super) space: Space,
    pub(super) options: Options,
    /// Whether the log or the state failed: what is on disk is not known then, and only
    /// a restart finds out.
    pub(super) failed: Arc<AtomicBool>,
}

impl Writer {
    /// Works until it is told to close or nobody can ask any more.
    pub(super) fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut next = jobs.blocking_recv();
        while let Some(job) = next.take() {
            match job {
                Job::Apply { request, reply } => {
                    next = self.write_batch((request, reply), &mut jobs);
                }
                Job::Expire { reply } => _ = reply.send(self.expire()),
                Job::Close { reply } => {
                    _ = reply.send(self.put_away());
                    return;
                }
            }
            next = next.or_else(|| jobs.blocking_recv());
        }
    }

    /// Takes what is waiting up to the bounds of a batch; answers the job that does
    /// not belong to it.
    fn write_batch(
        &mut self,
        first: (Request, Reply),
        jobs: &mut mpsc::Receiver<Job>,
    ) -> Option<Job> {
        let documents = Arc::clone(&self.documents);
        let mut batch = Batch::new(&documents, self.feed.head(), self.space.look());
        let mut job = Some(first);
        let mut other = None;
        let started = Instant::now();
        while let Some((request, reply)) = job.take() {
            // A caller that has gone does not want the write any more.
            if !reply.is_closed() {
                let answer = self.decide_into(&mut batch, &request);
                batch.answers.push((reply, answer));
            }
            let is_full = batch.answers.len() >= BATCH_LEN
                || batch.bytes >= BATCH_BYTES
                || started.elapsed() >= BATCH_TIME;
            if is_full {
                break;
            }
            match jobs.try_recv() {
                Ok(Job::Apply { request, reply }) => job = Some((request, reply)),
                Ok(job) => other = Some(job),
                Err(_) => {}
            }
        }
        self.finish(batch);
        other
    }

    /// Decides a request on the state with the batch so far, and adds its commits to
    /// the batch.
    fn decide_into(&mut self, batch: &mut Batch<'_>, request: &Request) -> Result<Outcome, Error> {
        self.check_writable()?;
        if let Some(outcome) = self.replay(batch, request)? {
            return Ok(outcome);
        }
        let mut done = Counts::default();
        loop {
            let env = Env {
                now: (self.options.clock)(),
                next: next_revision(batch.head.0),
                limits: &self.options.limits,
                commit_len: self.options.commit_len,
                done,
            };
            let Decision { commits, answer, unfinished } = decide(request, &batch.view, &env)?;
            if !batch.has_room_for(&commits) {
                return Err(Error::DiskFull);
            }
            done = answer.counts;
            let last = commits.last().map(|commit| commit.revision);
            for commit in commits {
                self.append(batch, commit)?;
            }
            if !unfinished {
                return Ok(match last {
                    Some(revision) => outcome::changed(answer, revision, batch.head),
                    None => outcome::unchanged(answer, batch.head),
                });
            }
            // The next turn reads what this one wrote, so that a request of any size
            // takes the memory of one turn.
            self.flush(batch)?;
        }
    }

    fn replay(&self, batch: &Batch<'_>, request: &Request) -> Result<Option<Outcome>, Error> {
        let Some(key) = &request.key else { return Ok(None) };
        if planted::has(Bug::RequestsForgotten) && !batch.requests.contains_key(key) {
            return Ok(None);
        }
        let entry = match batch.requests.get(key) {
            Some(entry) => entry.clone(),
            None => match self.documents.request(key)? {
                None => return Ok(None),
                Some(stored) => {
                    let age = (self.options.clock)().since(stored.time);
                    if age >= self.options.request_id_ttl {
                        return Ok(None);
                    }
                    outcome::check_same(key, stored.fingerprint, request.fingerprint())?;
                    match self.history.at(Position::new(stored.position)) {
                        // Only if the clock has stepped back is it so young and dropped.
                        Err(Error::Expired) => return Ok(None),
                        entry => entry?,
                    }
                }
            },
        };
        let Some(done) = &entry.commit.request else { return Ok(None) };
        outcome::check_same(key, done.fingerprint, request.fingerprint())?;
        Ok(Some(outcome::replayed(&entry, done, &batch.view)?))
    }

    fn append(&mut self, batch: &mut Batch<'_>, commit: Commit) -> Result<(), Error> {
        let payload = history::encode(&commit);
        let mark = self.appender.append(&payload).map_err(|error| self.fail(error))?;
        let position = batch.head.0.next();
        assert_eq!(position.get(), self.appender.position(), "the log and the batch agree");
        batch.head = (position, mark);
        batch.bytes += payload.len();
        batch.view.apply(&commit).map_err(|error| self.fail(error))?;
        let entry = Entry { position, mark, commit: Arc::new(commit) };
        if let Some(request) = &entry.commit.request {
            batch.requests.insert(request.key.clone(), entry.clone());
        }
        batch.entries.push((entry, payload.len()));
        Ok(())
    }

    /// Makes the batch durable, applies it, and shows it.
    fn flush(&mut self, batch: &mut Batch<'_>) -> Result<(), Error> {
        self.check_writable()?;
        if batch.entries.is_empty() {
            return Ok(());
        }
        if planted::has(Bug::PublishBeforeSync) {
            self.feed.publish(batch.entries.clone());
        }
        self.appender.sync().map_err(|error| self.fail(error))?;
        let (position, mark) = batch.head;
        if let Err(error) = self.durable.note(position, mark) {
            // Damage to the log's end is then not told from a crash. All else is as it was.
            tracing::debug!(%error, "failed to note up to where the log is durable");
        }
        for (entry, _) in &batch.entries {
            let applied = self.documents.apply(entry.position, &entry.commit);
            applied.map_err(|error| self.fail(error))?;
        }
        let applied = self.documents.note_applied(batch.head.0);
        applied.map_err(|error| self.fail(error))?;
        if !planted::has(Bug::PublishBeforeSync) {
            self.feed.publish(std::mem::take(&mut batch.entries));
        }
        self.keeper.logged(batch.bytes);
        batch.reset();
        Ok(())
    }

    /// Ends a batch: nobody is answered before it is durable.
    fn finish(&mut self, mut batch: Batch<'_>) {
        if planted::has(Bug::AnswerBeforeCommit) {
            for (reply, answer) in std::mem::take(&mut batch.answers) {
                _ = reply.send(answer);
            }
        }
        let flushed = self.flush(&mut batch);
        for (reply, answer) in batch.answers {
            // Refusals rest on the batch as much as commits do.
            let answer = match &flushed {
                Ok(()) => answer,
                Err(_) => Err(Error::WritesStopped),
            };
            _ = reply.send(answer);
        }
        let oldest = (self.options.clock)().saturating_sub(self.options.request_id_ttl);
        if let Err(error) = self.documents.forget_requests(oldest, FORGET_PER_BATCH) {
            tracing::warn!(error = %error, "failed to forget old request ids");
        }
    }

    /// Ends hats that are due; answers whether there may be more.
    fn expire(&mut self) -> Result<bool, Error> {
        let documents = Arc::clone(&self.documents);
        let now = (self.options.clock)();
        let due = documents.due(now, DUE_PER_BATCH)?;
        if due.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch::new(&documents, self.feed.head(), self.space.look());
        let ended = self.end_into(&mut batch, due, now);
        // What was decided before an error is appended, and so it is committed.
        let flushed = self.flush(&mut batch);
        ended.and_then(|ended| flushed.map(|()| ended))
    }

    /// Ends hats that are due at a time; answers whether there were any.
    fn end_into(
        &mut self,
        batch: &mut Batch<'_>,
        due: Vec<(RoomJid, BTreeSet<UserJid>)>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut any = false;
        for (room_jid, user_jids) in due {
            let request = Request::new(Command::Expire { room_jid, user_jids });
            let changed = self.decide_into(batch, &request)?.changed;
            // If the clock has stepped back since, what was due is so no more.
            if !changed && (self.options.clock)() >= now {
                return Err(Error::Corrupt("an expiry is noted for a hat that has none".into()));
            }
            any |= changed;
        }
        Ok(any)
    }

    fn put_away(&mut self) -> Result<(Position, Mark), Error> {
        self.check_writable()?;
        self.space.drop_ballast_if_low();
        let head = self.feed.head();
        self.documents.put_away(head.0)?;
        Ok(head)
    }

    fn check_writable(&self) -> Result<(), Error> {
        if self.failed.load(Ordering::Relaxed) { Err(Error::WritesStopped) } else { Ok(()) }
    }

    /// Stops all writing: after a failed write or sync nobody knows what is on disk.
    fn fail(&mut self, error: impl std::error::Error) -> Error {
        let error = crate::error::chain(&error);
        tracing::error!(error, "failed to write: no more writes are taken until a restart");
        self.failed.store(true, Ordering::Relaxed);
        Error::WritesStopped
    }
}

/// The revision of the commit after a position: positions rise in the store, and so do revisions in
/// each of its rooms.
fn next_revision(head: Position) -> Revision {
    if planted::has(Bug::RevisionRepeats) {
        return Revision::new(head.next().get() & !1);
    }
    Revision::new(head.next().get())
}

type Reply = oneshot::Sender<Result<Outcome, Error>>;

/// Commits that share one fdatasync, and who waits for it.
struct Batch<'d> {
    documents: &'d Documents,
    /// What the disk has room for.
    writes: Writes,
    /// The state with the batch so far.
    view: Overlay<'d>,
    head: (Position, Mark),
    entries: Vec<(Entry, usize)>,
    bytes: usize,
    requests: HashMap<RequestKey, Entry>,
    answers: Vec<(Reply, Result<Outcome, Error>)>,
}

impl<'d> Batch<'d> {
    fn new(documents: &'d Documents, head: (Position, Mark), writes: Writes) -> Self {
        Self {
            documents,
            writes,
            view: Overlay::new(documents),
            head,
            entries: Vec::new(),
            bytes: 0,
            requests: HashMap::new(),
            answers: Vec::new(),
        }
    }

    fn has_room_for(&self, commits: &[Commit]) -> bool {
        match self.writes {
            Writes::All => true,
            Writes::Removals => commits.iter().all(Commit::only_removes),
            Writes::DiskFull | Writes::Stopped => commits.is_empty(),
        }
    }

    /// Goes on from the state as it is now. Who waits goes on waiting.
    fn reset(&mut self) {
        self.view = Overlay::new(self.documents);
        self.entries.clear();
        self.bytes = 0;
        self.requests.clear();
    }
}
