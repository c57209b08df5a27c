//! The cursor itself, where no socket is in between: what it holds, and how it catches up.

#![expect(clippy::wildcard_enum_match_arm, reason = "whatever else comes fails the test")]

use std::sync::Arc;
use std::time::Duration;

use hatd::command::{Command, Request, RoomSettings, Target};
use hatd::commit::{Commit, Mark, Position, Token};
use hatd::hat::{Attachment, Eligibility, HatId, Title};
use hatd::jid::{RoomJid, UserJid};
use hatd::service;
use hatd::store::memory::Memory;
use hatd::store::{self, Retention, Store};
use hatd::watch::{
    AGE_MIN, Event, GoAwayReason, OnExpired, Options, ResetReason, Selector, Selectors, Start,
    Step, Watch,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::server::{FAR_ROOM, ROOM, Setup};

/// How many bytes of commits the server keeps in memory for all watches together.
const RECENT_BYTES: usize = 16 << 20;

fn room_jid(text: &str) -> RoomJid {
    RoomJid::parse(text).unwrap()
}

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::new(store::Options::new(service::commit_len)))
}

async fn put_open_room(store: &dyn Store, room: &str) {
    let settings = RoomSettings { eligibility: Some(Eligibility::Anyone), hat_policy: None };
    let command = Command::PutRoom { room_jid: room_jid(room), settings, etag: None };
    store.apply(Request::new(command)).await.unwrap();
}

/// Gives a user, by number, a hat, by number, with a title of some bytes.
async fn give(
    store: &dyn Store,
    room: &str,
    user: usize,
    hat: usize,
    title_bytes: usize,
) -> Position {
    let target = Target {
        room_jid: room_jid(room),
        user_jid: UserJid::parse(&format!("user{user}@localhost")).unwrap(),
        etag: None,
    };
    let title = (title_bytes > 0).then(|| Title::parse(&"t".repeat(title_bytes), 256).unwrap());
    let command = Command::AddUserHat {
        target,
        hat_id: HatId::parse(&format!("urn:{hat}:{}", "x".repeat(700)), 1023).unwrap(),
        attachment: Attachment { title, ..Attachment::default() },
        keep_active: false,
    };
    store.apply(Request::new(command)).await.unwrap().position
}

fn options(start: Start, rooms: &[&str]) -> Options {
    Options {
        selectors: Selectors::new(rooms.iter().map(|room| Selector::Room(room_jid(room)))),
        start,
        on_expired: OnExpired::Reset,
        heartbeat: Duration::from_secs(15),
        ends_at: Instant::now() + AGE_MIN,
        shutdown: CancellationToken::new(),
        commit_len: service::commit_len,
    }
}

async fn open(store: &Arc<dyn Store>, options: Options) -> Watch {
    Watch::open(Arc::clone(store), options).await.unwrap()
}

async fn next(watch: &mut Watch) -> Step {
    watch.next().await.unwrap().unwrap()
}

fn changes(step: Step) -> Vec<Arc<Commit>> {
    match step.event {
        Event::Changes(commits) => commits,
        other => panic!("changes were to come, not {other:?}"),
    }
}

fn from_the_start(store: &dyn Store) -> Start {
    let identity = store.identity();
    let (position, mark) = (Position::START, Mark::ORIGIN);
    let token = Token { identity, position, mark, selectors: None };
    Start::Resume { text: token.encode(), token }
}

#[tokio::test]
async fn a_watch_left_behind_by_memory_goes_on_from_the_log_and_holds_no_commits() {
    let setup = Setup::new();
    let store = setup.open_store().await;
    put_open_room(store.as_ref(), ROOM).await;
    let mut stalled = open(&store, options(Start::Now, &[ROOM])).await;
    assert!(matches!(next(&mut stalled).await.event, Event::Bookmark(_)));
    let (start, _) = store.head();

    // Documents of 60 hats and some 60 KB, written again and again.
    for hat in 0..60 {
        give(store.as_ref(), ROOM, 0, hat, 256).await;
    }
    let (first, first_revision, first_commit) = {
        let entry = store.commits_after(start, 1).await.unwrap().remove(0);
        (entry.position, entry.commit.revision, Arc::downgrade(&entry.commit))
    };
    let mut bytes = 0;
    while bytes < RECENT_BYTES + (1 << 20) {
        let before = store.head().0;
        for title_bytes in [255, 254] {
            give(store.as_ref(), ROOM, 0, 0, title_bytes).await;
        }
        for entry in store.commits_after(before, usize::MAX).await.unwrap() {
            bytes += service::commit_len(&entry.commit);
        }
    }
    assert!(first_commit.upgrade().is_none(), "nobody holds what the stalled watch has not read");

    let (head, _) = store.head();
    let mut expected = first;
    let mut revision = None;
    while expected <= head {
        for commit in changes(next(&mut stalled).await) {
            assert!(revision.is_some() || commit.revision == first_revision);
            assert!(revision < Some(commit.revision), "in order");
            revision = Some(commit.revision);
            expected = expected.next();
        }
    }
    assert!(!matches!(next(&mut stalled).await.event, Event::Changes(_)), "and no more");
}

#[tokio::test]
async fn changes_stay_under_1_mib() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    for hat in 0..60 {
        give(store.as_ref(), ROOM, 0, hat, 256).await;
    }
    let (head, _) = store.head();
    let mut watch = open(&store, options(from_the_start(store.as_ref()), &[ROOM])).await;
    let mut seen = 0;
    let mut steps = 0;
    while seen < head.get() {
        let commits = changes(next(&mut watch).await);
        let bytes: usize = commits.iter().map(|commit| service::commit_len(commit)).sum();
        assert!(bytes < 1 << 20, "{bytes} bytes of {} commits", commits.len());
        seen += commits.len() as u64;
        steps += 1;
    }
    assert!(steps > 1, "it was more than one response holds");
}

#[tokio::test]
async fn catching_up_over_what_is_not_selected_is_not_silent_and_moves_the_token() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    put_open_room(store.as_ref(), FAR_ROOM).await;
    for hat in 0..60 {
        give(store.as_ref(), FAR_ROOM, 0, hat, 256).await;
    }
    let last = give(store.as_ref(), ROOM, 0, 0, 0).await;
    // With a heartbeat that is always due, every read on the way says how far it has come.
    let start = from_the_start(store.as_ref());
    let options = Options { heartbeat: Duration::ZERO, ..options(start, &[ROOM]) };
    let mut watch = open(&store, options).await;

    let mut positions = Vec::new();
    let mut empty = 0;
    let mut found = 0;
    let mut after = None;
    while found < 2 {
        let step = next(&mut watch).await;
        assert!(after.is_none_or(|after| after == step.after), "the chain holds");
        after = Some(step.token.clone());
        positions.push(Token::decode(&step.token).unwrap().position);
        let commits = changes(step);
        empty += usize::from(commits.is_empty());
        found += commits.len();
    }
    assert!(empty > 0, "the way was long");
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    assert_eq!(*positions.last().unwrap(), last);
}

#[tokio::test]
async fn every_token_on_the_way_resumes_exactly() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    put_open_room(store.as_ref(), FAR_ROOM).await;
    for hat in 0..40 {
        give(store.as_ref(), FAR_ROOM, 0, hat, 256).await;
        give(store.as_ref(), ROOM, 0, hat, 256).await;
    }
    let zero = |start| Options { heartbeat: Duration::ZERO, ..options(start, &[ROOM]) };
    let mut watch = open(&store, zero(from_the_start(store.as_ref()))).await;
    let mut steps = Vec::new();
    loop {
        let step = next(&mut watch).await;
        if matches!(step.event, Event::Bookmark(_)) {
            break;
        }
        steps.push((step.token.clone(), changes(step)));
    }
    assert!(steps.len() > 2);
    for (index, (text, _)) in steps.iter().enumerate() {
        let token = Token::decode(text).unwrap();
        let mut again = open(&store, zero(Start::Resume { text: text.clone(), token })).await;
        let mut rest = Vec::new();
        loop {
            match next(&mut again).await.event {
                Event::Changes(commits) => rest.extend(commits),
                Event::Bookmark(_) => break,
                other => panic!("{other:?} came"),
            }
        }
        let expected: Vec<_> = steps[index + 1..].iter().flat_map(|(_, it)| it.clone()).collect();
        assert_eq!(rest, expected, "resumed after step {index}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_is_heard_of_every_heartbeat_and_ends_of_age() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    let mut watch = open(&store, options(Start::Snapshot, &[ROOM])).await;
    let opened = Instant::now();
    while !matches!(next(&mut watch).await.event, Event::Bookmark(_)) {}
    assert_eq!(opened.elapsed(), Duration::ZERO, "the first bookmark comes at once");

    let mut bookmarks = 0;
    let last = loop {
        let before = Instant::now();
        let step = next(&mut watch).await;
        match step.event {
            Event::Bookmark(_) => bookmarks += 1,
            Event::GoAway { .. } => break step,
            other => panic!("{other:?} came"),
        }
        assert_eq!(before.elapsed().as_secs(), 15);
    };
    assert_eq!(bookmarks, AGE_MIN.as_secs() / 15 - 1);
    let Event::GoAway { reason, .. } = last.event else { unreachable!() };
    assert_eq!(reason, GoAwayReason::Age);
    assert_eq!(last.after, last.token, "going away moves nothing");
    assert_eq!(watch.next().await.unwrap(), None);
    assert_eq!(watch.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_change_puts_the_next_heartbeat_off() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    let mut watch = open(&store, options(Start::Now, &[ROOM])).await;
    next(&mut watch).await;
    tokio::time::advance(Duration::from_secs(10)).await;
    give(store.as_ref(), ROOM, 0, 0, 0).await;
    assert_eq!(changes(next(&mut watch).await).len(), 1);
    let changed = Instant::now();
    assert!(matches!(next(&mut watch).await.event, Event::Bookmark(_)));
    assert_eq!(changed.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn commits_that_are_not_selected_do_not_wake_a_watch() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    put_open_room(store.as_ref(), FAR_ROOM).await;
    let mut watch = open(&store, options(Start::Now, &[ROOM])).await;
    next(&mut watch).await;
    let quiet = Instant::now();
    for hat in 0..10 {
        give(store.as_ref(), FAR_ROOM, 0, hat, 0).await;
    }
    let step = next(&mut watch).await;
    assert!(matches!(step.event, Event::Bookmark(_)));
    assert_eq!(quiet.elapsed().as_secs(), 15, "only the heartbeat did");
    assert_eq!(Token::decode(&step.token).unwrap().position, store.head().0);
}

#[tokio::test]
async fn a_stalled_watch_below_the_floor_is_reset_or_fails() {
    let retention = Retention { bytes: 4_096, ..Retention::default() };
    let options_of = store::Options { retention, ..store::Options::new(service::commit_len) };
    let setup = Setup::forgetful();
    let memory: Arc<dyn Store> = Arc::new(Memory::new(options_of));
    for store in [memory, setup.open_store().await] {
        put_open_room(store.as_ref(), ROOM).await;
        let mut reset = open(&store, options(Start::Now, &[ROOM])).await;
        let fail = Options { on_expired: OnExpired::Fail, ..options(Start::Now, &[ROOM]) };
        let mut fail = open(&store, fail).await;
        next(&mut reset).await;
        next(&mut fail).await;
        for hat in 0..20 {
            give(store.as_ref(), ROOM, 0, hat, 100).await;
        }

        let step = next(&mut reset).await;
        assert_eq!(step.event, Event::Reset(ResetReason::Expired));
        assert!(step.token.is_empty());
        let mut documents = Vec::new();
        loop {
            match next(&mut reset).await.event {
                Event::Snapshot(page) => {
                    documents.extend(page.users);
                    if page.complete {
                        break;
                    }
                }
                other => panic!("{other:?} came"),
            }
        }
        assert_eq!(documents.len(), 1);
        assert_eq!(documents[0].2.hats.len(), 20);

        let error = fail.next().await.unwrap_err();
        assert!(matches!(error, hatd::watch::Error::Expired), "{error:?}");
        assert_eq!(fail.next().await.unwrap(), None, "nothing follows an error");
    }
}

#[tokio::test]
async fn a_scan_that_history_overtakes_begins_again() {
    let setup = Setup::forgetful();
    let store = setup.open_store().await;
    put_open_room(store.as_ref(), ROOM).await;
    for user in 0..12 {
        for hat in 0..40 {
            give(store.as_ref(), ROOM, user, hat, 256).await;
        }
    }
    let mut watch = open(&store, options(Start::Snapshot, &[ROOM])).await;
    assert_eq!(next(&mut watch).await.event, Event::Reset(ResetReason::Initial));
    assert!(matches!(next(&mut watch).await.event, Event::Snapshot(_)));
    for title_bytes in 1..4 {
        give(store.as_ref(), ROOM, 0, 0, title_bytes).await;
    }
    let mut resets = Vec::new();
    let mut documents = Vec::new();
    loop {
        let step = next(&mut watch).await;
        match step.event {
            Event::Reset(reason) => {
                resets.push(reason);
                documents.clear();
            }
            Event::Snapshot(page) => {
                assert_eq!(page.complete, !step.token.is_empty());
                documents.extend(page.users);
                if page.complete {
                    break;
                }
            }
            other => panic!("{other:?} came"),
        }
    }
    assert_eq!(resets, [ResetReason::ScanRestarted]);
    assert_eq!(documents.len(), 12);
}

#[tokio::test]
async fn a_shutdown_ends_a_watch_in_any_phase_with_the_token_it_has() {
    let store = memory();
    put_open_room(store.as_ref(), ROOM).await;
    for steps in 0..4 {
        let shutdown = CancellationToken::new();
        let options = Options { shutdown: shutdown.clone(), ..options(Start::Snapshot, &[ROOM]) };
        let mut watch = open(&store, options).await;
        let mut token = String::new();
        for _ in 0..steps {
            token = next(&mut watch).await.token;
        }
        shutdown.cancel();
        let step = next(&mut watch).await;
        assert!(matches!(step.event, Event::GoAway { reason: GoAwayReason::Shutdown, .. }));
        assert_eq!((step.after, step.token), (token.clone(), token));
        assert_eq!(watch.next().await.unwrap(), None);
    }
}
